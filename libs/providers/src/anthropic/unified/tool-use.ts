import type { ChatCompletionMessageFunctionToolCall } from 'openai/resources/chat/completions'
import { isRecord } from '../../wire/is-record.ts'
import { jsonText } from '../../wire/json-text.ts'

/** A `tool_use` block as a tool call of OpenAI's; undefined where it is not to be called by. */
export function toToolCall(
  block: Readonly<Record<string, unknown>>,
): ChatCompletionMessageFunctionToolCall | undefined {
  const { id, name, input = {} } = block
  const text = jsonText(input)
  if (typeof id !== 'string' || typeof name !== 'string' || text === undefined) return undefined
  return { id, type: 'function', function: { name, arguments: text } }
}

/** Whether the block of a stream has its input already: as a rule it is empty there, and comes in pieces. */
export function hasInput({ input }: Readonly<Record<string, unknown>>): boolean {
  return isRecord(input) && Object.keys(input).length > 0
}
