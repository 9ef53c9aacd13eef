import type { ResponseToolCall } from '../../unified/answer-message.ts'
import { callArguments } from '../../unified/call-arguments.ts'
import type { ToolCall } from '../../unified/chat-request.ts'
import { isRefusal } from '../../unified/refusal.ts'
import type { Refusal } from '../../unified-api.ts'
import type { ToolUseBlock } from './wire-types.ts'

/** A tool call of an earlier answer's, as a block. @param path the call's */
export function toToolUse(call: ToolCall, path: string): ToolUseBlock | Refusal {
  const parsed = callArguments(call, path)
  if (isRefusal(parsed)) return parsed
  return { toolUse: { toolUseId: call.id, name: call.function.name, input: parsed.input } }
}

/** A `toolUse`, or its start, as a tool call of OpenAI's; undefined where it is not to be called by. */
export function toToolCall(toolUse: Readonly<Record<string, unknown>>, text: string): ResponseToolCall | undefined {
  const { toolUseId: id, name } = toolUse
  if (typeof id !== 'string' || typeof name !== 'string') return undefined
  return { id, type: 'function', function: { name, arguments: text } }
}
