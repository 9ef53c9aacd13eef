import { type FieldError, SluiceError, unknownField, validate } from '@sluice/contracts'
import { jsonObjectFault } from '@sluice/providers'
import type { FastifyRequest, FastifySchemaCompiler } from 'fastify'
import { IsObject, type TSchema, Type } from 'typebox'
import Value from 'typebox/value'
import type { App } from './routes.ts'

/**
 * Refuses paths that another program may read as another path than this one does: a slash, backslash or control character that is
 * hidden by encoding, and segments `.` and `..`, encoded or not. No identifier of Sluice needs any of them.
 * @throws SluiceError `invalid_request`
 */
export async function refusePathTricks({ url }: FastifyRequest): Promise<void> {
  const [path = ''] = url.split('?', 1)
  if (!HIDDEN.test(path) && !DOT_SEGMENT.test(path)) return
  throw new SluiceError('invalid_request', 'The address holds an encoded slash, a control character, or a dot segment.')
}

/** `/`, `\`, `%` and what is below the space or DEL, each encoded; and a plain backslash, which some take for a slash. */
const HIDDEN = /%(?:2f|5c|25|[01][0-9a-f]|7f)|\\/i
const DOT_SEGMENT = /(?:^|\/)(?:\.|%2e){1,2}(?:\/|;|$)/i

/**
 * Takes bodies as JSON alone. An empty one counts as none: clients state the content type on requests without a body, too, and a
 * route that needs a body says so itself.
 */
export function parseBodies(app: App): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser(['application/json', 'text/plain'])
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) => {
    if (body === '') done(null, undefined)
    else {
      void parseJson(request, body, (error, value) => {
        if (error === null) return done(null, value)
        const fault = jsonObjectFault(Buffer.from(body)) ?? POISONED
        done(new SluiceError('invalid_request', fault))
      })
    }
  })
}

/** Valid JSON, which the parser refuses: it would change what every object inherits. */
const POISONED = 'The body has a member "__proto__", or "constructor" with a "prototype": no document here has one.'

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
