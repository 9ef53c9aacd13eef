import type { RateLimitReading } from '@sluice/contracts'
import type { WireHeaders } from '../provider-adapter.ts'
import { keepRateLimitHeaders, rateLimitReading, retryAfterOrResetMs } from '../wire/rate-limit-reading.ts'
import { toldCount, toldDurationMs } from '../wire/told-number.ts'

/**
 * OpenAI's `x-ratelimit-{limit,remaining,reset}-{requests,tokens,input-images,project-tokens,…}`, whatever it is that they count.
 * They do not tell whether a limit is one a minute or a day, so that periods are unknown.
 * @see https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
 */
export function readOpenAiRateLimits(headers: WireHeaders): RateLimitReading[] {
  return dimensionsIn(headers).flatMap(
    (dimension) =>
      rateLimitReading(dimension, {
        limit: toldCount(headers, `${LIMIT}${dimension}`),
        remaining: toldCount(headers, `${REMAINING}${dimension}`),
        resetMs: toldDurationMs(headers, `${RESET}${dimension}`),
      }) ?? [],
  )
}

/** The headers that may be kept in a response event. */
export function openAiRateLimitHeaders(headers: WireHeaders): Record<string, string> | undefined {
  return keepRateLimitHeaders(headers, (name) => name.startsWith(PREFIX))
}

/** What `retry-after-ms` or `retry-after` says; without them, when the limits that have nothing left are free again. */
export function openAiRetryAfterMs(headers: WireHeaders, receivedAtMs: number): number | undefined {
  return retryAfterOrResetMs(headers, receivedAtMs, readOpenAiRateLimits(headers))
}

const PREFIX = 'x-ratelimit-'
const LIMIT = 'x-ratelimit-limit-'
const REMAINING = 'x-ratelimit-remaining-'
const RESET = 'x-ratelimit-reset-'
const PART_PREFIXES = [LIMIT, REMAINING, RESET]

function dimensionsIn(headers: WireHeaders): string[] {
  const dimensions = new Set<string>()
  for (const name in headers) {
    if (!name.startsWith(PREFIX)) continue
    const prefix = PART_PREFIXES.find((part) => name.startsWith(part))
    if (prefix !== undefined && name.length > prefix.length) dimensions.add(name.slice(prefix.length))
  }
  return [...dimensions].sort()
}
