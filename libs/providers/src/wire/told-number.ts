import type { WireHeaders } from '../provider-adapter.ts'
import { parseGoDuration } from './go-duration.ts'
import { countHeader, headerValue } from './header-value.ts'
import { parseRfc3339 } from './rfc3339.ts'

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
