import type { RateLimitPart, RateLimitReading } from '@sluice/contracts'
import type { WireHeaders } from '../provider-adapter.ts'
import { headerValue } from './header-value.ts'
import { readRetryAfterMs } from './retry-after.ts'
import type { ReportedNumber } from './told-number.ts'

/**
 * A reading of what an answer told of one limit; undefined where it told nothing. What it told illegibly is unknown and listed as
 * such, and so is more remaining than there is at all.
 */
export function rateLimitReading(dimension: string, told: ReportedLimit): RateLimitReading | undefined {
  const { limit, remaining, resetMs } = told
  if (limit === undefined && remaining === undefined && resetMs === undefined) return undefined
  const reading: { -readonly [Part in keyof RateLimitReading]: RateLimitReading[Part] } = { dimension }
  const unreadable: RateLimitPart[] = []
  if (typeof limit === 'number') reading.limit = limit
  else if (limit !== undefined) unreadable.push('limit')
  if (typeof remaining === 'number' && remaining <= (reading.limit ?? remaining)) reading.remaining = remaining
  else if (remaining !== undefined) unreadable.push('remaining')
  if (typeof resetMs === 'number') reading.resetMs = resetMs
  else if (resetMs !== undefined) unreadable.push('reset')
  if (unreadable.length > 0) reading.unreadable = unreadable
  return reading
}

/** The parts of a limit as an answer told them. */
export interface ReportedLimit {
  readonly limit?: ReportedNumber
  readonly remaining?: ReportedNumber
  readonly resetMs?: ReportedNumber
}

/** The headers on waiting, and those that are on rate limits by `isRateLimit`; undefined where there are none. */
export function keepRateLimitHeaders(
  headers: WireHeaders,
  isRateLimit: (name: string) => boolean,
): Record<string, string> | undefined {
  let kept: Record<string, string> | undefined
  for (const name in headers) {
    // Names are fresh strings, whose first letter is cheaper to see than whether a set has them.
    if (!isRateLimit(name) && !(name.charCodeAt(0) === LETTER_R && RETRY_HEADERS.has(name))) continue
    const value = headerValue(headers, name)
    if (value === undefined) continue
    kept ??= {}
    kept[name] = value
  }
  return kept
}

/**
 * Returns what `retry-after-ms` or `retry-after` says; where they say nothing, or 0, which Azure sends with every 429, when the limits that
 * have nothing left are free again.
 */
export function retryAfterOrResetMs(
  headers: WireHeaders,
  receivedAtMs: number,
  readings: readonly RateLimitReading[],
): number | undefined {
  const stated = readRetryAfterMs(headers, receivedAtMs)
  if (stated !== undefined && stated > 0) return stated
  let longestMs: number | undefined
  for (const { remaining, resetMs } of readings) {
    if (remaining === 0 && resetMs !== undefined) longestMs = Math.max(longestMs ?? 0, resetMs)
  }
  return longestMs ?? stated
}

const LETTER_R = 0x72
const RETRY_HEADERS: ReadonlySet<string> = new Set(['retry-after', 'retry-after-ms'])
