import type { RateLimitReading } from '@sluice/contracts'
import { type LimitCounting, limitedTokens, resourcePool, tierPool, uncached } from '../limits.ts'
import { readOpenAiRateLimits } from '../openai/limits.ts'
import type { Operation } from '../provider-adapter.ts'
import type { WireHeaders } from '../wire/headers.ts'
import { isRecord } from '../wire/json.ts'

/**
 * Groq subtracts cached tokens from its limits once it has processed the request: until then the whole prompt counts,
 * with the output maximum.
 * @see https://console.groq.com/docs/prompt-caching and https://console.groq.com/docs/rate-limits
 */
export const groqLimitCounting: LimitCounting = {
  counted: (usage) => limitedTokens(uncached(usage), usage.outputTokens),
  expected: ({ inputTokens, maxOutputTokens }) => limitedTokens(inputTokens, maxOutputTokens),
  leastCounted: () => 0,
}

/**
 * Returns a request's pool by its service tier. Without one a request is `on_demand`; `auto` continues in flex once
 * that is used up.
 * @see https://console.groq.com/docs/service-tiers
 */
export function groqPool({ usesModel, path }: Operation, body: unknown): string {
  if (!usesModel) return resourcePool(path)
  return isRecord(body) ? tierPool(TIERS, body.service_tier) : ''
}

const TIERS = { auto: 'auto', flex: 'flex', performance: 'performance' }

/**
 * Reads Groq's limits, which have OpenAI's header names: requests are always per day and tokens per minute. The periods
 * of other dimensions are not documented.
 * @see https://console.groq.com/docs/rate-limits#rate-limit-headers
 */
export function readGroqRateLimits(headers: WireHeaders): RateLimitReading[] {
  return readOpenAiRateLimits(headers).map((reading) => {
    const periodMs = PERIODS_MS.get(reading.dimension)
    return periodMs === undefined ? reading : { ...reading, periodMs }
  })
}

const PERIODS_MS: ReadonlyMap<string, number> = new Map([
  ['requests', 86_400_000],
  ['tokens', 60_000],
])
