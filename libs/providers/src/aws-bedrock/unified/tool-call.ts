import type { ChatCompletionMessageFunctionToolCall } from 'openai/resources/chat/completions'

/** A `toolUse`, or its start, as a tool call of OpenAI's; undefined where it is not to be called by. */
export function toToolCall(toolUse: Readonly<Record<string, unknown>>, text: string): ToolCall | undefined {
  const { toolUseId: id, name } = toolUse
  if (typeof id !== 'string' || typeof name !== 'string') return undefined
  return { id, type: 'function', function: { name, arguments: text } }
}

export type ToolCall = ChatCompletionMessageFunctionToolCall
