import { type FieldError, SluiceError, unknownField, validate } from '@sluice/contracts'
import type { FastifySchemaCompiler } from 'fastify'
import { IsObject, type TSchema, Type } from 'typebox'
import Value from 'typebox/value'

/**
 * Checks parameters and queries against their schemas, converting text to what the schema asks for; a query has no parameter that the
 * schema has not, so that a misspelt one is not taken for none. A body only has to be there,
 * unless its schema is optional: its operation checks it as a whole, with the rules that no schema can hold, so that all that is wrong with it is told at once.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  if (httpPart === 'body') {
    const missing = Type.IsOptional(schema) ? { value: undefined } : { error: bodyMissing() }
    return (value: unknown) => (value === null ? missing : { value })
  }
  return (value: unknown) => {
    const validation = validate(schema, Value.Convert(schema, value))
    const unknown = httpPart === 'querystring' ? unknownParameters(schema, value) : []
    if (validation.valid && unknown.length === 0) return { value: validation.value }
    const fields = [...(validation.valid ? [] : validation.errors.map(ofText)), ...unknown]
    const where = httpPart === 'querystring' ? 'The query is not valid.' : 'The request is not valid.'
    return { error: new SluiceError('invalid_request', where, { fields }) }
  }
}

function unknownParameters(schema: TSchema, query: unknown): FieldError[] {
  if (!IsObject(schema) || typeof query !== 'object' || query === null) return []
  const known = Object.keys(schema.properties)
  return Object.keys(query).flatMap((name) => (known.includes(name) ? [] : [unknownField('', name, known)]))
}

/** In an address everything is text: that a number is none is told without it. */
function ofText({ field, message }: FieldError): FieldError {
  return { field, message: message.replace(/, not a string$/, '') }
}

/** Fastify validates a body that is not there as `null`. */
function bodyMissing(): SluiceError {
  return new SluiceError('invalid_request', 'The request needs a body: a JSON object.', {
    fields: [{ field: '', message: 'must be an object' }],
  })
}
