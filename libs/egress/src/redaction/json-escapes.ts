import type { SecretSpan } from './secret-index.ts'

/** Narrows a span so that each JSON escape is kept whole or redacted whole. */
export function withoutHalfEscapes(bytes: Buffer, { start, end }: SecretSpan): SecretSpan {
  return { start: escapeAround(bytes, start)?.end ?? start, end: escapeStart(bytes, end) }
}

/** Returns where the JSON escape begins that `at` is inside of; `at` if it is inside of none. */
export function escapeStart(bytes: Buffer, at: number): number {
  return escapeAround(bytes, at)?.start ?? at
}

/** Returns the escape, such as `\n` or `\u0041`, that begins before `at` and ends after it. */
function escapeAround(bytes: Buffer, at: number): { readonly start: number; readonly end: number } | undefined {
  let start = at - 1
  while (bytes[start] !== BACKSLASH) {
    start--
    if (start < 0 || start <= at - UNICODE_ESCAPE_BYTES) return undefined
  }
  let run = start
  while (bytes[run - 1] === BACKSLASH) run--
  // In a row of backslashes, every second one is escaped by the one before it.
  if ((start - run) % 2 === 1) return undefined
  const end = start + (isUnicodeEscape(bytes, start) ? UNICODE_ESCAPE_BYTES : 2)
  return end > at ? { start, end } : undefined
}

/** Returns whether a Unicode escape begins at `start`, or may with the bytes to come. */
function isUnicodeEscape(bytes: Buffer, start: number): boolean {
  return UNICODE_ESCAPE.test(bytes.toString('latin1', start, start + UNICODE_ESCAPE_BYTES))
}

const BACKSLASH = 0x5c
const UNICODE_ESCAPE_BYTES = 6
const UNICODE_ESCAPE = /^\\u(?:[0-9a-f]{4}|[0-9a-f]{0,3}$)/i
