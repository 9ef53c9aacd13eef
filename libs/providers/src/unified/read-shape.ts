import { shapeError } from '@sluice/contracts'
import type { Static, TSchema } from 'typebox'
import type { Refusal } from '../unified-api.ts'
import { refuseField } from './refusal.ts'

/** A value of the request's that has the schema's shape, or what is wrong with it. @param path the value's; empty: the body */
export function readShape<Schema extends TSchema>(schema: Schema, value: unknown, path = ''): Static<Schema> | Refusal {
  const error = shapeError(schema, value, path)
  return error === undefined ? (value as Static<Schema>) : refuseField(error)
}
