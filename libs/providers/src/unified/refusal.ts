import { type FieldError, shapeError } from '@sluice/contracts'
import type { Static, TSchema } from 'typebox'
import type { Refusal, UnifiedOperation } from '../unified-api.ts'

/**
 * Refuses a request that does not match OpenAI's API, or asks for what the provider cannot do.
 * @param param the parameter's path
 */
export function refuse(param: string, message: string): Refusal {
  return { status: 'refused', code: 'invalid_request', message, param }
}

/** Refuses a field whose name is the parameter's path. */
export function refuseField({ field, message }: FieldError): Refusal {
  return refuse(field, `The parameter "${field}" ${message}.`)
}

/** Refuses a parameter that the provider has no equivalent of. @param provider its display name */
export function refuseParameter(param: string, provider: string): Refusal {
  // The caller chose the name: show only the beginning of a long one.
  const shown = param.slice(0, MAX_SHOWN_CHARS)
  return refuse(shown, `${provider} has no equivalent of the parameter "${shown}".`)
}

/** Returns an operation that refuses every request, because the provider has nothing like it. */
export function refusedOperation(message: string): UnifiedOperation {
  return {
    request: () => ({ status: 'refused', code: 'unsupported_operation', message }),
    response: () => {
      throw new Error('A refused request has no response to translate.')
    },
  }
}

export function isRefusal(value: object): value is Refusal {
  return 'status' in value && value.status === 'refused'
}

/** Validates a value of the request. @param path the value's; empty for the body */
export function readShape<Schema extends TSchema>(schema: Schema, value: unknown, path = ''): Static<Schema> | Refusal {
  const error = shapeError(schema, value, path)
  return error === undefined ? (value as Static<Schema>) : refuseField(error)
}

/**
 * Returns whether a caller's value in the place of a type or role looks like one and may be shown in a message.
 * Anything else may be part of the prompt, or a secret.
 */
export function isWord(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z][a-z_.-]{0,39}$/i.test(value)
}

const MAX_SHOWN_CHARS = 100
