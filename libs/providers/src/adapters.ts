import type { ProviderId } from '@sluice/contracts'
import { anthropic } from './anthropic/adapter.ts'
import { awsBedrock } from './aws-bedrock/adapter.ts'
import { google } from './google/adapter.ts'
import { groq } from './groq/adapter.ts'
import { openai } from './openai/adapter.ts'
import type { ProviderAdapter } from './provider-adapter.ts'

const ADAPTERS: Readonly<Record<ProviderId, ProviderAdapter>> = {
  openai,
  anthropic,
  google,
  groq,
  'aws-bedrock': awsBedrock,
}

/** Returns the adapter of a provider. */
export function providerAdapter(provider: ProviderId): ProviderAdapter {
  return ADAPTERS[provider]
}
