import { SluiceError } from '@sluice/contracts'

/** Where a list goes on: after the connection of this name. Opaque to whoever holds it. */
export function toCursor(lastName: string): string {
  return Buffer.from(lastName).toString('base64url')
}

/** @throws SluiceError `invalid_request` when it is none of {@link toCursor}'s */
export function fromCursor(cursor: string): string {
  const name = Buffer.from(cursor, 'base64url').toString()
  if (toCursor(name) === cursor && /^[a-z0-9-]+$/.test(name)) return name
  throw invalidCursor()
}

/** Where a list goes on that is ordered by whole numbers of up to nine digits. @throws SluiceError `invalid_request` */
export function fromNumberCursor(cursor: string): number {
  const text = fromCursor(cursor)
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw invalidCursor()
}

function invalidCursor(): SluiceError {
  return new SluiceError('invalid_request', 'The cursor is not valid.', {
    fields: [{ field: 'cursor', message: 'is not a cursor of this list' }],
  })
}
