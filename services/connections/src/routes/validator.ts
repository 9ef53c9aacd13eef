import { SluiceError, validate } from '@sluice/contracts'
import type { FastifySchemaCompiler } from 'fastify'
import { type TSchema, Type } from 'typebox'
import Value from 'typebox/value'

/**
 * Checks parameters and queries against their schemas, converting text to what the schema asks for. A body only has to be there,
 * unless its schema is optional: its operation checks it as a whole, with the rules that no schema can hold, so that all that is wrong with it is told at once.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  if (httpPart === 'body') {
    const missing = Type.IsOptional(schema) ? { value: undefined } : { error: bodyMissing() }
    return (value: unknown) => (value === null ? missing : { value })
  }
  return (value: unknown) => {
    const validation = validate(schema, Value.Convert(schema, value))
    if (validation.valid) return { value: validation.value }
    return { error: new SluiceError('invalid_request', 'The request is not valid.', { fields: validation.errors }) }
  }
}

/** Fastify validates a body that is not there as `null`. */
function bodyMissing(): SluiceError {
  return new SluiceError('invalid_request', 'The request needs a body: a JSON object.', {
    fields: [{ field: '', message: 'must be an object' }],
  })
}
