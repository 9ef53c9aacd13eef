import { SluiceError } from '@sluice/contracts'

/** Where a list goes on: after the one of this name, or number. Opaque to whoever holds it. */
export function toCursor(last: string | number): string {
  return Buffer.from(String(last)).toString('base64url')
}

/** @throws SluiceError `invalid_request` when it is none of {@link toCursor}'s */
export function fromCursor(cursor: string): string {
  const name = Buffer.from(cursor, 'base64url').toString()
  if (toCursor(name) === cursor && /^[a-z0-9-]+$/.test(name)) return name
  throw invalidCursor()
}

/** Where a list goes on that is ordered by whole numbers, up to 15 digits of them. @throws SluiceError `invalid_request` */
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
