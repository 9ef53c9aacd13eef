import type { Static, TSchema } from 'typebox'
import { compiled } from './compiled.ts'
import { documentErrors } from './document-errors.ts'
import type { FieldError } from './errors.ts'

/** `value` if it has the schema's shape, otherwise what is wrong with it, one entry a field. */
export type Validation<S extends TSchema> = { valid: true; value: Static<S> } | { valid: false; errors: FieldError[] }

/** Checks unknown data against a schema. Fields that the schema does not name pass unless it is closed: schemas evolve by addition. */
export function validate<S extends TSchema>(schema: S, value: unknown): Validation<S> {
  if (compiled(schema).Check(value)) return { valid: true, value: value as Static<S> }
  return { valid: false, errors: documentErrors(schema, value) }
}
