import { SluiceError, validate } from '@sluice/contracts'
import { type Static, type TSchema, Type } from 'typebox'

/**
 * Returns a stored value with its schema's type.
 * @param what names the row, for the error
 * @throws SluiceError `internal` when it has another shape: another program wrote it, or another version of the service
 */
export function readStored<S extends TSchema>(schema: S, value: unknown, what: string): Static<S> {
  const validation = validate(schema, value)
  if (validation.valid) return validation.value
  throw new SluiceError('internal', `${what} is stored in an unknown shape`, { fields: validation.errors })
}

/** A `timestamptz` as the driver returns it, which returns `infinity` as a number. */
export const StoredInstant = Type.Unsafe<Date>(
  Type.Refine(
    Type.Unknown(),
    (value) => value instanceof Date && !Number.isNaN(value.getTime()),
    () => 'must be a finite time',
  ),
)
