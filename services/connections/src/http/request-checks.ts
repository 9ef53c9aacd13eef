import { type FieldError, SluiceError, unknownField, validate } from '@sluice/contracts'
import { jsonObjectFault } from '@sluice/providers'
import type { FastifyRequest, FastifySchemaCompiler } from 'fastify'
import { IsObject, type TSchema, Type } from 'typebox'
import Value from 'typebox/value'
import type { App } from './routes.ts'

/**
 * Refuses paths that another program may read differently: an encoded slash, backslash, percent sign or control
 * character, and segments `.` and `..`, encoded or not. No identifier of Sluice needs any of them.
 * @throws SluiceError `invalid_request`
 */
export async function refuseAmbiguousPaths({ url }: FastifyRequest): Promise<void> {
  const [path = url] = url.split('?', 1)
  if (!ENCODED.test(path) && !DOT_SEGMENT.test(path)) return
  throw new SluiceError('invalid_request', 'The path has an encoded slash, a control character, or a dot segment.')
}

/** `/`, `\`, `%`, control characters and DEL, each encoded; and a plain backslash, which some read as a slash. */
const ENCODED = /%(?:2f|5c|25|[01][0-9a-f]|7f)|\\/i
const DOT_SEGMENT = /(?:^|\/)(?:\.|%2e){1,2}(?:\/|;|$)/i

/**
 * Accepts JSON bodies only. An empty body counts as absent: clients also send the content type on requests without a
 * body, and a route that needs a body reports that it is missing.
 */
export function parseBodies(app: App): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser(['application/json', 'text/plain'])
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) => {
    if (body === '') return done(null, undefined)
    void parseJson(request, body, (error, value) => {
      if (error === null) return done(null, value)
      const fault = jsonObjectFault(Buffer.from(body)) ?? PROTOTYPE_MEMBER
      done(new SluiceError('invalid_request', fault))
    })
  })
}

/** Valid JSON that the parser refuses, as it would change the prototype of objects. */
const PROTOTYPE_MEMBER =
  'The body has a member "__proto__", or "constructor" with a "prototype", which are not allowed.'

/**
 * Validates parameters and queries, converting text to the schema's types. A query may have only the parameters of its
 * schema, so that a misspelled one is not ignored. Of a body it only checks that it is there, unless the schema is
 * optional: the use case validates the whole document, with the rules that no schema can express, so that all errors
 * are reported at once.
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
    const fields = [...(validation.valid ? [] : validation.errors.map(withoutType)), ...unknown]
    const what = httpPart === 'querystring' ? 'The query is not valid.' : 'The request is not valid.'
    return { error: new SluiceError('invalid_request', what, { fields }) }
  }
}

function unknownParameters(schema: TSchema, query: unknown): FieldError[] {
  if (!IsObject(schema) || typeof query !== 'object' || query === null) return []
  const known = Object.keys(schema.properties)
  return Object.keys(query).flatMap((name) => (known.includes(name) ? [] : [unknownField('', name, known)]))
}

/** In a URL everything is a string: the message does not mention it. */
function withoutType({ field, message }: FieldError): FieldError {
  return { field, message: message.replace(/, not a string$/, '') }
}

/** Fastify validates an absent body as `null`. */
function bodyMissing(): SluiceError {
  return new SluiceError('invalid_request', 'The request needs a body: a JSON object.', {
    fields: [{ field: '', message: 'must be an object' }],
  })
}
