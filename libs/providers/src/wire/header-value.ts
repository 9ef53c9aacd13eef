import type { WireHeaders } from '../provider-adapter.ts'

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
