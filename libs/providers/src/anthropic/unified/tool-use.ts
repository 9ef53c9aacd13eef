import type { ToolUseBlockParam } from '@anthropic-ai/sdk/resources/messages'
import type { ResponseToolCall } from '../../unified/answer-message.ts'
import { callArguments } from '../../unified/call-arguments.ts'
import type { ToolCall } from '../../unified/chat-request.ts'
import { isRefusal } from '../../unified/refusal.ts'
import type { Refusal } from '../../unified-api.ts'
import { isRecord } from '../../wire/is-record.ts'
import { writtenText } from '../../wire/json-source.ts'

/** A tool call of an earlier answer's, as a block. @param path the call's */
export function toToolUse(call: ToolCall, path: string): ToolUseBlockParam | Refusal {
  const parsed = callArguments(call, path)
  return isRefusal(parsed) ? parsed : { type: 'tool_use', id: call.id, name: call.function.name, ...parsed }
}

/** A `tool_use` block as a tool call of OpenAI's; undefined where it is not to be called by. */
export function toToolCall(block: Readonly<Record<string, unknown>>): ResponseToolCall | undefined {
  const { id, name, input = {} } = block
  const text = writtenText(input)
  if (typeof id !== 'string' || typeof name !== 'string' || text === undefined) return undefined
  return { id, type: 'function', function: { name, arguments: text } }
}

/** The same of a block that begins in a stream: as a rule its input is empty there, and comes in pieces. */
export function toToolCallStart(block: Readonly<Record<string, unknown>>): ResponseToolCall | undefined {
  const call = toToolCall(block)
  if (call === undefined || hasInput(block)) return call
  return { ...call, function: { ...call.function, arguments: '' } }
}

function hasInput({ input }: Readonly<Record<string, unknown>>): boolean {
  return isRecord(input) && Object.keys(input).length > 0
}
