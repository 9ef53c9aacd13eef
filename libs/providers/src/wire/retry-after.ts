import type { WireHeaders } from '../provider-adapter.ts'
import { headerValue } from './header-value.ts'

/**
 * How long `retry-after-ms` or else `retry-after` (seconds, or a date) asks to wait from `receivedAtMs` (Unix
 * milliseconds): never negative, undefined where neither says.
 * @see RFC 9110, section 10.2.3; `retry-after-ms` is what OpenAI's and Azure's SDKs read
 */
export function readRetryAfterMs(headers: WireHeaders, receivedAtMs: number): number | undefined {
  const milliseconds = decimal(headerValue(headers, 'retry-after-ms'))
  if (milliseconds !== undefined) return Math.ceil(milliseconds)
  const retryAfter = headerValue(headers, 'retry-after')
  const seconds = decimal(retryAfter)
  if (seconds !== undefined) return Math.ceil(seconds * 1_000)
  const atMs = retryAfter === undefined ? Number.NaN : Date.parse(retryAfter)
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - receivedAtMs)
}

function decimal(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
}
