import type { UnifiedRequest } from '../unified-api.ts'
import { EVERY, type JsonPath, keepSource, sourceText } from '../wire/json-source.ts'
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
