import { createAnthropic } from './anthropic/provider.ts'
import { awsBedrock } from './aws-bedrock/provider.ts'
import type { SimulatedProvider } from './core/simulated-provider.ts'
import { google } from './google/provider.ts'
import { groq } from './groq/provider.ts'
import { openai } from './openai/provider.ts'

export const providerIds = ['openai', 'anthropic', 'google', 'groq', 'aws-bedrock'] as const

export type ProviderId = (typeof providerIds)[number]

export function isProviderId(text: string): text is ProviderId {
  return providerIds.some((id) => id === text)
}

/** Creates the provider for one simulator: what it keeps between requests is not shared. */
export function createProvider(id: ProviderId): SimulatedProvider {
  switch (id) {
    case 'openai':
      return openai
    case 'anthropic':
      return createAnthropic()
    case 'google':
      return google
    case 'groq':
      return groq
    case 'aws-bedrock':
      return awsBedrock
  }
}
