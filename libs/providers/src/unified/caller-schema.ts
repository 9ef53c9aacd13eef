import type { UnifiedRequest } from '../unified-api.ts'
import { EVERY, type JsonPath, keepSource, sourceText, withMember } from '../wire/json-source.ts'
import { OpaqueJson } from '../wire/opaque-json.ts'

type JsonSchema = Readonly<Record<string, unknown>>

/** Keeps how the JSON schemas of a chat completion are written, for {@link callerSchema}. */
export function keepSchemas({ body, bytes }: Pick<UnifiedRequest, 'body' | 'bytes'>): void {
  for (const path of SCHEMA_PATHS) if (body[path[0]] !== undefined) keepSource(bytes, body, path)
}

const SCHEMA_PATHS: readonly JsonPath[] = [
  ['tools', EVERY, 'function', 'parameters'],
  ['response_format', 'json_schema', 'schema'],
]

/**
 * A JSON schema of the caller's as it is written, to be put into a request.
 * @param defaults members that the provider demands or takes besides, where the schema has none of that name
 */
export function callerSchema(schema: JsonSchema, defaults: JsonSchema = {}): object {
  const text = sourceText(schema)
  if (text === undefined) return { ...defaults, ...schema }
  const missing = Object.entries(defaults).filter(([name]) => !Object.hasOwn(schema, name))
  if (missing.length === 0) return new OpaqueJson(text)
  const members = JSON.stringify(Object.fromEntries(missing)).slice(1, -1)
  return new OpaqueJson(text === '{}' ? `{${members}}` : `{${members},${text.slice(1)}`)
}

/** The schema of a response with what the caller describes it by, for a provider that has no place for that beside the schema. */
export function describedSchema(schema: JsonSchema, description: string | undefined): object {
  if (description === undefined) return callerSchema(schema)
  const { description: own } = schema
  if (typeof own !== 'string' || own === '' || own === description) return callerSchema(schema, { description })
  const both = `${description}\n\n${own}`
  const text = sourceText(schema)
  if (text === undefined) return { ...schema, description: both }
  return new OpaqueJson(withMember(Buffer.from(text), 'description', JSON.stringify(both)).toString())
}
