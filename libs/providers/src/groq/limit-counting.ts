import { type LimitCounting, limitedTokens, uncached } from '../limit-counting.ts'

/**
 * Groq takes cached tokens off its limits again once it has processed the request: until then the whole prompt counts, with the output
 * maximum.
 * @see https://console.groq.com/docs/prompt-caching and https://console.groq.com/docs/rate-limits
 */
export const groqLimitCounting: LimitCounting = {
  counted: (usage) => limitedTokens(uncached(usage), usage.outputTokens),
  expected: ({ inputTokens, maxOutputTokens }) => limitedTokens(inputTokens, maxOutputTokens),
  leastCounted: () => 0,
}
