import type { WireHeaders } from '../provider-adapter.ts'
import { headerValue } from './header-value.ts'

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
