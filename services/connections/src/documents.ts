import { documentErrors, type FieldError, SluiceError } from '@sluice/contracts'
import type { Static, TSchema } from 'typebox'

/**
 * Returns the document with its schema's type.
 * @param moreErrors of the rules that no schema can express
 * @throws SluiceError `invalid_request` with the first error of each field
 */
export function parseDocument<S extends TSchema>(
  schema: S,
  document: unknown,
  moreErrors: readonly FieldError[] = [],
): Static<S> {
  const errors = [...documentErrors(schema, document), ...moreErrors]
  requireNoErrors(errors)
  return document as Static<S>
}

/** @throws SluiceError `invalid_request` with the first error of each field, if there is any */
export function requireNoErrors(errors: readonly FieldError[]): void {
  if (errors.length === 0) return
  const firsts = errors.filter(({ field }, index) => errors.findIndex((error) => error.field === field) === index)
  throw new SluiceError('invalid_request', 'The document is not valid.', { fields: firsts })
}

/** Returns the document's fields, without any check of them; none when it is not an object. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/**
 * Checks a name that appears in lists, logs and terminals: it must not break the line, move the cursor or change the
 * text's direction, and so pass for something else.
 */
export function nameErrors(name: string | undefined): FieldError[] {
  const isFine = name === undefined || visibleText(name) === name
  return isFine ? [] : [{ field: 'name', message: 'must hold no control characters' }]
}

/**
 * Checks that an RFC 3339 time is in the future. A leap second has the right format but no instant on the clock, and
 * is refused.
 */
export function expiryErrors(expiresAt: string | null | undefined, now: Date): FieldError[] {
  const isFine = expiresAt === undefined || expiresAt === null || new Date(expiresAt) > now
  return isFine ? [] : [{ field: 'expiresAt', message: 'must be in the future' }]
}

/** Returns `text` with U+FFFD in place of each control character. */
export function visibleText(text: string): string {
  return text.replaceAll(CONTROL, '\uFFFD')
}

/** Control characters, line and paragraph separators, and characters that override or isolate a direction (UAX #9). */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/gu
