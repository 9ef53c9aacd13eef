/** Headers as Node and undici give them: names in lower case. */
export type WireHeaders = Readonly<Record<string, string | string[] | undefined>>

/**
 * Returns a header's value. Of a repeated header: the value that all share, or all values, separated by commas (RFC
 * 9110, 5.3).
 */
export function headerValue(headers: WireHeaders, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? combined(value) : value
}

/** Returns a header that is a whole number ≥ 0; undefined where it is absent or anything else. */
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
 * Returns how long `retry-after-ms` and `retry-after` (seconds or a date) ask to wait from `receivedAtMs` (Unix
 * milliseconds): the longer of the two, never negative; undefined where both are missing. Azure sends `retry-after-ms:
 * 0` beside a valid `retry-after`.
 * @see RFC 9110, section 10.2.3; OpenAI's and Azure's SDKs read `retry-after-ms`
 */
export function readRetryAfterMs(headers: WireHeaders, receivedAtMs: number): number | undefined {
  const milliseconds = decimal(headerValue(headers, 'retry-after-ms'))
  const exactMs = milliseconds === undefined ? undefined : Math.ceil(milliseconds)
  const retryAfterMs = retryAfterHeaderMs(headerValue(headers, 'retry-after'), receivedAtMs)
  if (exactMs === undefined || retryAfterMs === undefined) return exactMs ?? retryAfterMs
  // `retry-after` may be the same time rounded up to a whole second.
  return retryAfterMs - exactMs < 1_000 && exactMs > 0 ? exactMs : Math.max(exactMs, retryAfterMs)
}

function retryAfterHeaderMs(retryAfter: string | undefined, receivedAtMs: number): number | undefined {
  const seconds = decimal(retryAfter)
  if (seconds !== undefined) return Math.ceil(seconds * 1_000)
  const atMs = retryAfter === undefined ? Number.NaN : Date.parse(retryAfter)
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - receivedAtMs)
}

function decimal(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
}
