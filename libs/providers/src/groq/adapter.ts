import { openAiCompatible } from '../openai/adapter.ts'
import { inspectOpenAiRequest } from '../openai/inspection.ts'
import type { ProviderAdapter, ProviderConfig } from '../provider-adapter.ts'
import { configuredBaseUrl, withoutEnd } from '../provider-config.ts'
import { groqLimitCounting, groqPool, readGroqRateLimits } from './limits.ts'

/** The path prefix that Groq's SDK sends; its base URL does not include it. */
const ROOT = '/openai/v1'

/**
 * Groq's API: OpenAI's, below `/openai/v1`.
 * @see https://console.groq.com/docs/openai
 */
export const groq: ProviderAdapter = {
  ...openAiCompatible({ id: 'groq', root: ROOT, baseUrl }),
  // Streams always report usage, in the last chunk's `x_groq`: nothing has to be added or removed.
  inspect: (operation, body, sizeBytes) => ({
    ...inspectOpenAiRequest(operation, body, sizeBytes, 'groq'),
    addsUsage: false,
  }),
  pool: groqPool,
  longPromptTokens: Number.POSITIVE_INFINITY,
  limitCounting: groqLimitCounting,
  rateLimits: readGroqRateLimits,
}

/** Accepts the base URL of Groq's SDK, or of OpenAI's, which ends with `/openai/v1` or a part of it. */
function baseUrl(config: ProviderConfig): string {
  return withoutEnd(configuredBaseUrl(config, 'https://api.groq.com'), /\/(?:openai|v1)$/) + ROOT
}
