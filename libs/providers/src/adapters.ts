import type { ProviderId } from '@sluice/contracts'
import { anthropic } from './anthropic/adapter.ts'
import { awsBedrock } from './aws-bedrock/adapter.ts'
import { google } from './google/adapter.ts'
import { groq } from './groq/adapter.ts'
import { openai } from './openai/adapter.ts'
import type { ProviderAdapter } from './provider-adapter.ts'

/** Returns the adapter of a provider; undefined for a provider that this version does not proxy. */
export function providerAdapter(provider: ProviderId): ProviderAdapter | undefined {
  return ADAPTERS.get(provider)
}

const ADAPTERS: ReadonlyMap<ProviderId, ProviderAdapter> = new Map(
  [anthropic, awsBedrock, google, groq, openai].map((adapter) => [adapter.id, adapter]),
)
