import { type FieldError, shapeError } from '@sluice/contracts'
import type { Static, TSchema } from 'typebox'
import type { Refusal, UnifiedOperation } from '../unified-api.ts'

/** The request is not what the API takes, or asks for what the provider cannot do. */
export function refuse(param: string, message: string): Refusal {
  return { status: 'refused', code: 'invalid_request', message, param }
}

/** @param error of a field whose name is the parameter's path */
export function refuseField({ field, message }: FieldError): Refusal {
  return refuse(field, `The parameter "${field}" ${message}.`)
}

/** An operation that the provider has nothing like: every request is refused. */
export function refusedOperation(message: string): UnifiedOperation {
  return {
    request: () => ({ status: 'refused', code: 'unsupported_operation', message }),
    answer: () => {
      throw new Error('a request that was refused has no answer')
    },
  }
}

/** @param provider its name, as people read it */
export function refuseParameter(param: string, provider: string): Refusal {
  const shown = param.slice(0, MAX_SHOWN_CHARS)
  return refuse(shown, `${provider} has nothing that corresponds to the parameter "${shown}".`)
}

export function isRefusal(value: object): value is Refusal {
  return 'status' in value && value.status === 'refused'
}

/** Callers choose the names. */
const MAX_SHOWN_CHARS = 100

/** A value of the request's that has the schema's shape, or what is wrong with it. @param path the value's; empty: the body */
export function readShape<Schema extends TSchema>(schema: Schema, value: unknown, path = ''): Static<Schema> | Refusal {
  const error = shapeError(schema, value, path)
  return error === undefined ? (value as Static<Schema>) : refuseField(error)
}
