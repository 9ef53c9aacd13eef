import { isRecord } from '../core/json.ts'
import { sampleJson } from '../core/sample-json.ts'
import { textChars } from '../core/token-counts.ts'

/** The only function call of a response. */
export interface ToolCall {
  readonly name: string
  /** JSON that fits the function's parameters. */
  readonly arguments: string
  /** The request names the function, rather than requiring any. */
  readonly named: boolean
}

/**
 * Calls what `tool_choice` demands: the named function, or the first for `required`, and for `auto` if `callsFreely`.
 * Undefined for `none`, and if no such function is declared.
 * @param functionOf returns the declaration in a tool or a choice: the APIs nest it differently
 */
export function simulatedToolCall(
  tools: unknown,
  toolChoice: unknown,
  functionOf: (tool: Record<string, unknown>) => unknown,
  callsFreely: boolean,
): ToolCall | undefined {
  if (!Array.isArray(tools)) return undefined
  const functions = tools
    .filter((tool) => isRecord(tool) && tool.type === 'function')
    .map(functionOf)
    .filter(isRecord)
  const chosen = isRecord(toolChoice) ? functionOf(toolChoice) : undefined
  const called = isRecord(chosen)
    ? functions.find(({ name }) => name === chosen.name)
    : toolChoice === 'required' || (callsFreely && (toolChoice ?? 'auto') === 'auto')
      ? functions[0]
      : undefined
  if (typeof called?.name !== 'string') return undefined
  return {
    name: called.name,
    arguments: JSON.stringify(sampleJson(called.parameters) ?? {}),
    named: isRecord(chosen),
  }
}

/**
 * Returns the JSON schema that a `response_format` demands of the text, that of any object for JSON mode; undefined for
 * prose.
 * @see https://platform.openai.com/docs/guides/structured-outputs
 */
export function schemaOfFormat(format: unknown): unknown {
  if (!isRecord(format)) return undefined
  if (format.type === 'json_object') return { type: 'object' }
  return format.type === 'json_schema' && isRecord(format.json_schema) ? format.json_schema.schema : undefined
}

/**
 * Returns the same for the Responses API, where the format is in `text` and has the schema in itself.
 * @see https://platform.openai.com/docs/api-reference/responses/create
 */
export function schemaOfTextFormat(text: unknown): unknown {
  const format = isRecord(text) ? text.format : undefined
  if (!isRecord(format)) return undefined
  if (format.type === 'json_object') return { type: 'object' }
  return format.type === 'json_schema' ? format.schema : undefined
}

/** Counts the characters of all text in a message, a prompt or a list of either. Images and audio count nothing. */
export function contentChars(content: unknown): number {
  return textChars(content, TEXT_FIELDS)
}

const TEXT_FIELDS = ['text', 'content', 'arguments', 'output'] as const

/** Returns a count that a request states; undefined if it states none. */
export function positiveInteger(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined
}
