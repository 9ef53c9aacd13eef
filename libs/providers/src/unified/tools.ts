import type { Refusal, UnifiedRequest } from '../unified-api.ts'
import { isRecord, parseJson } from '../wire/json.ts'
import { withMember } from '../wire/json-members.ts'
import { compactJson, EVERY, type JsonPath, keepSource, sourceText } from '../wire/json-source.ts'
import { OpaqueJson } from '../wire/opaque-json.ts'
import type { ChatRequest, ToolCall } from './chat-request.ts'
import { refuse } from './refusal.ts'

type JsonSchema = Readonly<Record<string, unknown>>

/** Keeps the source text of the JSON schemas in a chat request, for {@link callerSchema}. */
export function keepSchemas({ body, bytes }: Pick<UnifiedRequest, 'body' | 'bytes'>): void {
  for (const path of SCHEMA_PATHS) if (body[path[0]] !== undefined) keepSource(bytes, body, path)
}

const SCHEMA_PATHS: readonly JsonPath[] = [
  ['tools', EVERY, 'function', 'parameters'],
  ['response_format', 'json_schema', 'schema'],
]

/**
 * Returns a caller's JSON schema as it was written, to put into a request.
 * @param defaults members to add where the schema has none of that name
 */
export function callerSchema(schema: JsonSchema, defaults: JsonSchema = {}): object {
  const text = sourceText(schema)
  if (text === undefined) return { ...defaults, ...schema }
  const missing = Object.entries(defaults).filter(([name]) => !Object.hasOwn(schema, name))
  if (missing.length === 0) return new OpaqueJson(text)
  const members = JSON.stringify(Object.fromEntries(missing)).slice(1, -1)
  return new OpaqueJson(text === '{}' ? `{${members}}` : `{${members},${text.slice(1)}`)
}

/**
 * Returns a response schema that includes the caller's description, for a provider with no field for that beside the
 * schema.
 */
export function describedSchema(schema: JsonSchema, description: string | undefined): object {
  if (description === undefined) return callerSchema(schema)
  const { description: own } = schema
  if (typeof own !== 'string' || own === '' || own === description) return callerSchema(schema, { description })
  const both = `${description}\n\n${own}`
  const text = sourceText(schema)
  if (text === undefined) return { ...schema, description: both }
  return new OpaqueJson(withMember(Buffer.from(text), 'description', JSON.stringify(both)).toString())
}

/** Returns whether the response must contain a tool call. */
export function forcesTool({ tool_choice: choice }: ChatRequest): boolean {
  return choice === 'required' || typeof choice === 'object'
}

/** Refuses a `tool_choice` that the tools cannot satisfy; undefined where they can. */
export function refuseToolChoice(chat: ChatRequest): Refusal | undefined {
  const { tools = [], tool_choice: choice } = chat
  if (forcesTool(chat) && tools.length === 0) return refuse('tool_choice', 'There are no tools to choose from.')
  if (typeof choice !== 'object' || tools.some((tool) => tool.function.name === choice.function.name)) return undefined
  return refuse('tool_choice.function.name', `There is no tool "${choice.function.name}" in "tools".`)
}

export interface CallArguments {
  readonly input: OpaqueJson
}

/**
 * Returns a tool call's arguments as they were written; they must be a JSON object. Empty text counts as `{}`.
 * @param path the call's
 */
export function callArguments({ function: { arguments: text } }: ToolCall, path: string): CallArguments | Refusal {
  if (text === '') return { input: EMPTY_OBJECT }
  if (isRecord(parseJson(text))) return { input: new OpaqueJson(compactJson(wellFormed(text))) }
  return refuse(`${path}.function.arguments`, 'The arguments of a tool call must be a JSON object.')
}

const EMPTY_OBJECT = new OpaqueJson('{}')

/** Escapes lone surrogates in JSON text, which UTF-8 cannot encode. */
function wellFormed(text: string): string {
  if (text.isWellFormed()) return text
  return text.replace(/\p{Surrogate}/gu, (half) => `\\u${half.charCodeAt(0).toString(16)}`)
}
