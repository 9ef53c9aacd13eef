import type { RateLimitReading, WireHeaders } from '../provider-adapter.ts'
import { parseGoDuration } from '../wire/go-duration.ts'
import { countHeader, headerValue } from '../wire/header-value.ts'
import { readRetryAfterMs } from '../wire/retry-after.ts'

/**
 * OpenAI's `x-ratelimit-{limit,remaining,reset}-{requests,tokens,…}`. It does not tell whether a limit is one a minute or a
 * day, so that periods are unknown.
 * @see https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
 */
export function readOpenAiRateLimits(headers: WireHeaders): RateLimitReading[] {
  return dimensionsIn(headers).flatMap((dimension) => {
    const limit = countHeader(headers, `${LIMIT}${dimension}`)
    const remaining = countHeader(headers, `${REMAINING}${dimension}`)
    const resetMs = resetOf(headers, dimension)
    if (limit === undefined && remaining === undefined && resetMs === undefined) return []
    return {
      dimension,
      ...(limit === undefined ? {} : { limit }),
      ...(remaining === undefined ? {} : { remaining }),
      ...(resetMs === undefined ? {} : { resetMs }),
    }
  })
}

/** The headers that may be kept in a response event. */
export function openAiRateLimitHeaders(headers: WireHeaders): Record<string, string> | undefined {
  let kept: Record<string, string> | undefined
  for (const name in headers) {
    if (!name.startsWith(PREFIX) && !RETRY_HEADERS.has(name)) continue
    const value = headerValue(headers, name)
    if (value === undefined) continue
    kept ??= {}
    kept[name] = value
  }
  return kept
}

/** What `retry-after-ms` or `retry-after` says; without them, when the limits that have nothing left are free again. */
export function openAiRetryAfterMs(headers: WireHeaders, receivedAtMs: number): number | undefined {
  const stated = readRetryAfterMs(headers, receivedAtMs)
  if (stated !== undefined) return stated
  let longestMs: number | undefined
  for (const { remaining, resetMs } of readOpenAiRateLimits(headers)) {
    if (remaining === 0 && resetMs !== undefined) longestMs = Math.max(longestMs ?? 0, resetMs)
  }
  return longestMs
}

const PREFIX = 'x-ratelimit-'
const LIMIT = 'x-ratelimit-limit-'
const REMAINING = 'x-ratelimit-remaining-'
const RESET = 'x-ratelimit-reset-'
const RETRY_HEADERS: ReadonlySet<string> = new Set(['retry-after', 'retry-after-ms'])

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
