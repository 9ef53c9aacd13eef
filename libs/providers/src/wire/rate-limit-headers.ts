import type { RateLimitPart, RateLimitReading } from '@sluice/contracts'
import { countHeader, headerValue, readRetryAfterMs, type WireHeaders } from './headers.ts'

/**
 * A number that a response reported; `unreadable` where the value is no such number, undefined where there is no value.
 */
export type ReportedNumber = number | 'unreadable' | undefined

/** One limit as a response reported it. */
export interface ReportedLimit {
  readonly limit?: ReportedNumber
  readonly remaining?: ReportedNumber
  readonly resetMs?: ReportedNumber
}

/**
 * Returns a reading of one reported limit; undefined where nothing was reported. Unreadable parts are listed as such,
 * and so is a `remaining` above the limit.
 */
export function rateLimitReading(dimension: string, reported: ReportedLimit): RateLimitReading | undefined {
  const { limit, remaining, resetMs } = reported
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

/** Returns the retry-after headers and those that `isRateLimit` accepts; undefined where there are none. */
export function keepRateLimitHeaders(
  headers: WireHeaders,
  isRateLimit: (name: string) => boolean,
): Record<string, string> | undefined {
  let kept: Record<string, string> | undefined
  for (const name in headers) {
    // Names are fresh strings: checking the first letter is cheaper than a set lookup.
    if (!isRateLimit(name) && !(name.charCodeAt(0) === LETTER_R && RETRY_HEADERS.has(name))) continue
    const value = headerValue(headers, name)
    if (value === undefined) continue
    kept ??= {}
    kept[name] = value
  }
  return kept
}

const LETTER_R = 0x72
const RETRY_HEADERS: ReadonlySet<string> = new Set(['retry-after', 'retry-after-ms'])

/**
 * Returns what `retry-after-ms` or `retry-after` ask for. Where they are missing, or 0 as Azure sends with every 429:
 * the longest reset of the limits with nothing remaining.
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

/** Parses a whole number ≥ 0. */
export function parseCount(headers: WireHeaders, name: string): ReportedNumber {
  return countHeader(headers, name) ?? unreadableIfPresent(headers, name)
}

/** Parses the time until a reset from a Go duration: whole milliseconds, rounded up. */
export function parseDurationMs(headers: WireHeaders, name: string): ReportedNumber {
  const text = headerValue(headers, name)
  const durationMs = text === undefined ? undefined : parseGoDuration(text)
  return plausibleMs(durationMs) ?? unreadableIfPresent(headers, name)
}

/** Parses the time until a reset from a bare number of milliseconds. */
export function parseMillisecondsMs(headers: WireHeaders, name: string): ReportedNumber {
  return parseDecimal(headers, name, 1)
}

/**
 * Parses the time until a reset from a bare number of seconds, with or without a fraction: whole milliseconds, rounded
 * up.
 */
export function parseSecondsMs(headers: WireHeaders, name: string): ReportedNumber {
  return parseDecimal(headers, name, 1_000)
}

/** Parses the time from `receivedAtMs` until a reset from an instant (RFC 3339): never negative. */
export function parseInstantMs(headers: WireHeaders, name: string, receivedAtMs: number): ReportedNumber {
  const text = headerValue(headers, name)
  const atMs = text === undefined ? undefined : parseRfc3339(text)
  return plausibleMs(atMs === undefined ? undefined : atMs - receivedAtMs) ?? unreadableIfPresent(headers, name)
}

function parseDecimal(headers: WireHeaders, name: string, unitMs: number): ReportedNumber {
  const text = headerValue(headers, name)
  const isDecimal = text !== undefined && /^\d{1,15}(?:\.\d{1,15})?$/.test(text)
  return plausibleMs(isDecimal ? Number(text) * unitMs : undefined) ?? unreadableIfPresent(headers, name)
}

/** No provider has a limit with a window of more than a year. */
const MAX_RESET_MS = 366 * 86_400_000

function plausibleMs(durationMs: number | undefined): number | undefined {
  return durationMs === undefined || durationMs > MAX_RESET_MS ? undefined : Math.max(0, Math.ceil(durationMs))
}

function unreadableIfPresent(headers: WireHeaders, name: string): 'unreadable' | undefined {
  return headers[name] === undefined ? undefined : 'unreadable'
}

/**
 * Parses a duration as Go prints it (`120ms`, `1s`, `8.64s`, `6m0s`, `1h2m3.5s`) to milliseconds; undefined where it is
 * not one.
 * @see https://pkg.go.dev/time#Duration.String
 */
export function parseGoDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined
  let totalMs = 0
  for (const [, amount, unit] of text.matchAll(PART)) totalMs += Number(amount) * (UNIT_MS[unit ?? ''] ?? Number.NaN)
  return Number.isFinite(totalMs) ? totalMs : undefined
}

const UNIT_MS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
}
const PART = /(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)/g
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|us|µs|ns|h|m|s))+$/

/**
 * Parses an RFC 3339 date-time (section 5.6) to Unix milliseconds; undefined where it is not one.
 */
export function parseRfc3339(text: string): number | undefined {
  if (!DATE_TIME.test(text)) return undefined
  const atMs = Date.parse(text)
  return Number.isNaN(atMs) ? undefined : atMs
}

const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/i
