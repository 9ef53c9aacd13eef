import type { RateLimitReading, WireHeaders } from '../provider-adapter.ts'
import { parseGoDuration } from '../wire/go-duration.ts'
import { countHeader, headerValue } from '../wire/header-value.ts'
import { keepRateLimitHeaders, rateLimitReading, retryAfterOrResetMs } from '../wire/rate-limit-reading.ts'

/**
 * OpenAI's `x-ratelimit-{limit,remaining,reset}-{requests,tokens,…}`. It does not tell whether a limit is one a minute or a
 * day, so that periods are unknown.
 * @see https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
 */
export function readOpenAiRateLimits(headers: WireHeaders): RateLimitReading[] {
  return dimensionsIn(headers).flatMap(
    (dimension) =>
      rateLimitReading(
        dimension,
        countHeader(headers, `${LIMIT}${dimension}`),
        countHeader(headers, `${REMAINING}${dimension}`),
        resetOf(headers, dimension),
      ) ?? [],
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

function dimensionsIn(headers: WireHeaders): string[] {
  const dimensions = new Set<string>()
  for (const name in headers) {
    for (const prefix of [LIMIT, REMAINING, RESET]) {
      if (name.startsWith(prefix) && name.length > prefix.length) dimensions.add(name.slice(prefix.length))
    }
  }
  return [...dimensions].sort()
}

function resetOf(headers: WireHeaders, dimension: string): number | undefined {
  const text = headerValue(headers, `${RESET}${dimension}`)
  const durationMs = text === undefined ? undefined : parseGoDuration(text)
  return durationMs === undefined ? undefined : Math.ceil(durationMs)
}
