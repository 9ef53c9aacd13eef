import type { RateLimitPart, RateLimitReading } from '@sluice/contracts'
import type { WireHeaders } from '../provider-adapter.ts'

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

/** A number that an answer told; `unreadable` where it told something that is none, undefined where it told nothing. */
export type ReportedNumber = number | 'unreadable' | undefined

/** A whole number, not negative. */
export function parseCount(headers: WireHeaders, name: string): ReportedNumber {
  return countHeader(headers, name) ?? unreadableIfThere(headers, name)
}

/** How long until a reset that is told as a Go duration: whole milliseconds, rounded up. */
export function parseDurationMs(headers: WireHeaders, name: string): ReportedNumber {
  const text = headerValue(headers, name)
  const durationMs = text === undefined ? undefined : parseGoDuration(text)
  return crediblySoon(durationMs) ?? unreadableIfThere(headers, name)
}

/** How long until a reset that is told as a bare number of milliseconds. */
export function parseMillisecondsMs(headers: WireHeaders, name: string): ReportedNumber {
  return parseDecimal(headers, name, 1)
}

/** How long until a reset that is told as a bare number of seconds, perhaps with a fraction: whole milliseconds, rounded up. */
export function parseSecondsMs(headers: WireHeaders, name: string): ReportedNumber {
  return parseDecimal(headers, name, 1_000)
}

/** How long from `receivedAtMs` until a reset that is told as an instant (RFC 3339): never negative. */
export function parseInstantMs(headers: WireHeaders, name: string, receivedAtMs: number): ReportedNumber {
  const text = headerValue(headers, name)
  const atMs = text === undefined ? undefined : parseRfc3339(text)
  return crediblySoon(atMs === undefined ? undefined : atMs - receivedAtMs) ?? unreadableIfThere(headers, name)
}

function parseDecimal(headers: WireHeaders, name: string, unitMs: number): ReportedNumber {
  const text = headerValue(headers, name)
  const isDecimal = text !== undefined && /^\d{1,15}(?:\.\d{1,15})?$/.test(text)
  return crediblySoon(isDecimal ? Number(text) * unitMs : undefined) ?? unreadableIfThere(headers, name)
}

/** No provider has a limit of more than a year. */
const MAX_RESET_MS = 366 * 86_400_000

function crediblySoon(durationMs: number | undefined): number | undefined {
  return durationMs === undefined || durationMs > MAX_RESET_MS ? undefined : Math.max(0, Math.ceil(durationMs))
}

function unreadableIfThere(headers: WireHeaders, name: string): 'unreadable' | undefined {
  return headers[name] === undefined ? undefined : 'unreadable'
}

/**
 * Returns how long `retry-after-ms` and `retry-after` (seconds, or a date) ask to wait from `receivedAtMs` (Unix milliseconds): the longer
 * of the two, never negative; undefined where neither says. Azure sends `retry-after-ms: 0` with a `retry-after` that holds.
 * @see RFC 9110, section 10.2.3; `retry-after-ms` is what OpenAI's and Azure's SDKs read
 */
export function readRetryAfterMs(headers: WireHeaders, receivedAtMs: number): number | undefined {
  const milliseconds = decimal(headerValue(headers, 'retry-after-ms'))
  const exactMs = milliseconds === undefined ? undefined : Math.ceil(milliseconds)
  const retryAfterMs = standardMs(headerValue(headers, 'retry-after'), receivedAtMs)
  if (exactMs === undefined || retryAfterMs === undefined) return exactMs ?? retryAfterMs
  // Rounded up to a whole second, it says the same less exactly.
  return retryAfterMs - exactMs < 1_000 && exactMs > 0 ? exactMs : Math.max(exactMs, retryAfterMs)
}

function standardMs(retryAfter: string | undefined, receivedAtMs: number): number | undefined {
  const seconds = decimal(retryAfter)
  if (seconds !== undefined) return Math.ceil(seconds * 1_000)
  const atMs = retryAfter === undefined ? Number.NaN : Date.parse(retryAfter)
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - receivedAtMs)
}

function decimal(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
}

/** The header's value. Of one that came several times, what all say, or else all that they say, separated by commas (RFC 9110, 5.3). */
export function headerValue(headers: WireHeaders, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? combined(value) : value
}

/** A header that is a whole number, not negative; undefined where it is absent or anything else. */
export function countHeader(headers: WireHeaders, name: string): number | undefined {
  const value = headerValue(headers, name)
  if (value === undefined || !/^\d+$/.test(value)) return undefined
  const count = Number(value)
  return Number.isSafeInteger(count) ? count : undefined
}

function combined(values: readonly string[]): string | undefined {
  const distinct = new Set(values)
  return distinct.size === 0 ? undefined : [...distinct].join(', ')
}

/**
 * Milliseconds of a duration as Go prints it: `120ms`, `1s`, `8.64s`, `6m0s`, `1h2m3.5s`. Undefined where it is none.
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
 * The instant of an RFC 3339 date-time, Unix milliseconds. Undefined where the text is none.
 * @see RFC 3339, section 5.6
 */
export function parseRfc3339(text: string): number | undefined {
  if (!DATE_TIME.test(text)) return undefined
  const atMs = Date.parse(text)
  return Number.isNaN(atMs) ? undefined : atMs
}

const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/i
