import type { RateLimitReading, WireHeaders } from '../provider-adapter.ts'
import { headerValue } from './header-value.ts'
import { readRetryAfterMs } from './retry-after.ts'

/** A reading of what is known; undefined where nothing is. */
export function rateLimitReading(
  dimension: string,
  limit: number | undefined,
  remaining: number | undefined,
  resetMs: number | undefined,
): RateLimitReading | undefined {
  if (limit === undefined && remaining === undefined && resetMs === undefined) return undefined
  return {
    dimension,
    ...(limit === undefined ? {} : { limit }),
    ...(remaining === undefined ? {} : { remaining }),
    ...(resetMs === undefined ? {} : { resetMs }),
  }
}

/** The headers on waiting, and those that are on rate limits by `isRateLimit`; undefined where there are none. */
export function keepRateLimitHeaders(
  headers: WireHeaders,
  isRateLimit: (name: string) => boolean,
): Record<string, string> | undefined {
  let kept: Record<string, string> | undefined
  for (const name in headers) {
    if (!isRateLimit(name) && !RETRY_HEADERS.has(name)) continue
    const value = headerValue(headers, name)
    if (value === undefined) continue
    kept ??= {}
    kept[name] = value
  }
  return kept
}

/** What `retry-after-ms` or `retry-after` says; without them, when the limits that have nothing left are free again. */
export function retryAfterOrResetMs(
  headers: WireHeaders,
  receivedAtMs: number,
  readings: readonly RateLimitReading[],
): number | undefined {
  const stated = readRetryAfterMs(headers, receivedAtMs)
  if (stated !== undefined) return stated
  let longestMs: number | undefined
  for (const { remaining, resetMs } of readings) {
    if (remaining === 0 && resetMs !== undefined) longestMs = Math.max(longestMs ?? 0, resetMs)
  }
  return longestMs
}

const RETRY_HEADERS: ReadonlySet<string> = new Set(['retry-after', 'retry-after-ms'])
