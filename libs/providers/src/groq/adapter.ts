import { openAiCompatible } from '../openai/adapter.ts'
import { inspectOpenAiRequest } from '../openai/inspection.ts'
import type { ProviderAdapter, ProviderConfig } from '../provider-adapter.ts'
import { configuredBaseUrl, withoutEnd } from '../provider-config.ts'
import { groqLimitCounting, groqPool, readGroqRateLimits } from './limits.ts'

/** What the SDK's paths begin with; its base URL ends before it. */
const ROOT = '/openai/v1'

/**
 * Groq's API, which is OpenAI's below `/openai/v1`.
 * @see https://console.groq.com/docs/openai
 */
export const groq: ProviderAdapter = {
  ...openAiCompatible({ id: 'groq', root: ROOT, baseUrl }),
  // Streams tell their usage unasked, in the last chunk's `x_groq`: they go as they are, and come so.
  inspect: (operation, body, sizeBytes) => ({
    ...inspectOpenAiRequest(operation, body, sizeBytes, 'groq'),
    addsUsage: false,
  }),
  pool: groqPool,
  longPromptTokens: Number.POSITIVE_INFINITY,
  limitCounting: groqLimitCounting,
  rateLimits: readGroqRateLimits,
}

/** As Groq's SDK takes it, or as OpenAI's does, with `/openai/v1` or a part of that at its end. */
function baseUrl(config: ProviderConfig): string {
  return withoutEnd(configuredBaseUrl(config, 'https://api.groq.com'), /\/(?:openai|v1)$/) + ROOT
}
