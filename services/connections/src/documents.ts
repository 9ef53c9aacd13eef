import type { FieldError } from '@sluice/contracts'

/**
 * What is wrong with a name that somebody is known by in lists, logs and terminals: it may hold nothing that breaks the line, moves
 * the cursor or turns the direction of text, and so passes for something else.
 */
export function nameErrors(name: string | undefined): FieldError[] {
  const isFine = name === undefined || visibleText(name) === name
  return isFine ? [] : [{ field: 'name', message: 'must hold no control characters' }]
}

/** `text` with U+FFFD for each character that acts instead of being seen. */
export function visibleText(text: string): string {
  return text.replaceAll(ACTING, '\uFFFD')
}

/** Control characters, line and paragraph separators, and what overrides or isolates a direction (UAX #9). */
const ACTING = /[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/gu

/**
 * What is wrong with the time, in RFC 3339, at which something is to expire. A leap second has the right format, and is no instant to
 * the clock.
 */
export function expiryErrors(expiresAt: string | null | undefined, now: Date): FieldError[] {
  const isFine = expiresAt === undefined || expiresAt === null || new Date(expiresAt) > now
  return isFine ? [] : [{ field: 'expiresAt', message: 'must be in the future' }]
}
