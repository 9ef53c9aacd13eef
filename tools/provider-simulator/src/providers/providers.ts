import { createAnthropic } from './anthropic/provider.ts'
import { createAwsBedrock } from './aws-bedrock/provider.ts'
import { google } from './google/provider.ts'
import { groq } from './groq/provider.ts'
import { openai } from './openai/provider.ts'
import type { SimulatedProvider } from './simulated-provider.ts'

export const providerIds = ['openai', 'anthropic', 'google', 'groq', 'aws-bedrock'] as const

export type ProviderId = (typeof providerIds)[number]

export function isProviderId(text: string): text is ProviderId {
  return providerIds.some((id) => id === text)
}

/** Every provider that can be simulated, by its id, for one simulator. */
export const providers: Readonly<Record<ProviderId, () => SimulatedProvider>> = {
  openai: () => openai,
  anthropic: createAnthropic,
  google: () => google,
  groq: () => groq,
  'aws-bedrock': createAwsBedrock,
}
