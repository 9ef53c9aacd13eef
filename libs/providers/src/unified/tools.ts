import type { Refusal, UnifiedRequest } from '../unified-api.ts'
import { isRecord, parseJson } from '../wire/json.ts'
import {
  compactJson,
  EVERY,
  type JsonPath,
  keepSource,
  OpaqueJson,
  sourceText,
  withMember,
} from '../wire/json-source.ts'
import type { ChatRequest, ToolCall } from './chat-request.ts'
import { refuse } from './refusal.ts'

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

/** Whether the answer must have a tool call. */
export function forcesTool({ tool_choice: choice }: ChatRequest): boolean {
  return choice === 'required' || typeof choice === 'object'
}

/** Undefined where the tools have what is chosen of them. */
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
 * Reads a tool call's arguments, which must be a JSON object, and go on as they are written; empty text counts as one without members.
 * @param path the call's
 */
export function callArguments({ function: { arguments: text } }: ToolCall, path: string): CallArguments | Refusal {
  if (text === '') return { input: NOTHING }
  if (isRecord(parseJson(text))) return { input: new OpaqueJson(compactJson(wellFormed(text))) }
  return refuse(`${path}.function.arguments`, 'The arguments of a tool call must be a JSON object.')
}

const NOTHING = new OpaqueJson('{}')

/** JSON text with halves of surrogate pairs, which UTF-8 cannot hold, as escapes. */
function wellFormed(text: string): string {
  if (text.isWellFormed()) return text
  return text.replace(/\p{Surrogate}/gu, (half) => `\\u${half.charCodeAt(0).toString(16)}`)
}
