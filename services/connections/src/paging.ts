import { SluiceError } from '@sluice/contracts'
import { Type } from 'typebox'

/** The query parameters of every list that comes in pages. */
export const pageParameters = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
  cursor: Type.Optional(Type.String({ maxLength: 200 })),
}

export const DEFAULT_PAGE_SIZE = 50

export interface Page<V> {
  items: V[]
  nextCursor?: string
}

/**
 * Returns the first `limit` of `found`, and the cursor of the next page if there are more.
 * @param found one more than `limit`, if there are as many
 */
export function toPage<T, V>(
  found: readonly T[],
  limit: number,
  toView: (item: T) => V,
  positionOf: (item: T) => string | number,
): Page<V> {
  const page = found.slice(0, limit)
  const last = page.at(-1)
  const items = page.map(toView)
  return found.length > limit && last !== undefined ? { items, nextCursor: toCursor(positionOf(last)) } : { items }
}

/** Returns an opaque cursor to go on after the item of this name or number. */
export function toCursor(last: string | number): string {
  return Buffer.from(String(last)).toString('base64url')
}

/** Returns the name in a cursor. @throws SluiceError `invalid_request` when {@link toCursor} did not make it */
export function fromCursor(cursor: string): string {
  const name = Buffer.from(cursor, 'base64url').toString()
  if (toCursor(name) === cursor && /^[a-z0-9-]+$/.test(name)) return name
  throw invalidCursor()
}

/** Returns the whole number in a cursor, of up to 15 digits. @throws SluiceError `invalid_request` */
export function fromNumberCursor(cursor: string): number {
  const text = fromCursor(cursor)
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw invalidCursor()
}

function invalidCursor(): SluiceError {
  return new SluiceError('invalid_request', 'The cursor is not valid.', {
    fields: [{ field: 'cursor', message: 'is not a cursor of this list' }],
  })
}
