import { type LimitCounting, limitedTokens, uncached } from '../limit-counting.ts'

/**
 * Anthropic limits input and output apart. What is read from the cache counts toward no limit, except with models before Claude 3.7 (marked
 * in its table of limits); what is written to it counts. Output counts as it is generated: `max_tokens` counts for nothing.
 * @see https://docs.claude.com/en/api/rate-limits#cache-aware-itpm
 */
export const anthropicLimitCounting: LimitCounting = {
  counted: (usage, model) => limitedTokens(inputOf(usage, model), usage.outputTokens),
  expected: (request, model) => limitedTokens(inputOf(request, model), request.outputTokens),
  leastCounted: () => 0,
}

function inputOf(tokens: { readonly inputTokens: number; readonly cachedInputTokens: number }, model: string): number {
  return COUNTS_CACHE_READS.test(model) ? tokens.inputTokens : uncached(tokens)
}

/** `claude-3-haiku-20240307`, `claude-3-5-haiku-latest`, `claude-2.1`; not `claude-3-7-sonnet-20250219`. */
const COUNTS_CACHE_READS = /^claude-(?:instant|2|3-(?!7(?:\D|$)))/
