import type { WireHeaders } from '../provider-adapter.ts'

/** The header's only, or first, value. */
export function headerValue(headers: WireHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : value?.[0]
}

/** A header that is a whole number, not negative; undefined where it is absent or anything else. */
export function countHeader(headers: WireHeaders, name: string): number | undefined {
  const value = headerValue(headers, name)
  if (value === undefined || !/^\d+$/.test(value)) return undefined
  const count = Number(value)
  return Number.isSafeInteger(count) ? count : undefined
}
