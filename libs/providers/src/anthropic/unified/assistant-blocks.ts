import type { ContentBlockParam, ToolUseBlockParam } from '@anthropic-ai/sdk/resources/messages'
import type { AssistantMessage, ToolCall } from '../../unified/chat-request.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import type { Refusal } from '../../unified-api.ts'
import { isRecord } from '../../wire/is-record.ts'
import { parseJson } from '../../wire/parse-json.ts'
import { textBlocks } from './text-blocks.ts'
import { type PlacedThinking, readThinking } from './thinking-content.ts'

/** An assistant's message: its text, then its tool calls, and the thinking where it was. @param path the message's */
export function toAssistantBlocks(message: AssistantMessage, path: string): ContentBlockParam[] | Refusal {
  const thinking = readThinking(message, path)
  if (isRefusal(thinking)) return thinking
  const calls: ToolUseBlockParam[] = []
  for (const [index, call] of (message.tool_calls ?? []).entries()) {
    const block = toToolUse(call, `${path}.tool_calls.${index}`)
    if (isRefusal(block)) return block
    calls.push(block)
  }
  return inPlace(textOf(message), calls, thinking)
}

function textOf({ content, refusal }: AssistantMessage): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return refusal ?? ''
  return content.map((part) => (part.type === 'text' ? part.text : part.refusal)).join('')
}

function toToolUse({ id, function: { name, arguments: text } }: ToolCall, path: string): ToolUseBlockParam | Refusal {
  if (!TOOL_USE_ID.test(id)) {
    return refuse(`${path}.id`, 'Anthropic takes ids of tool calls that have only letters, digits, "_" and "-".')
  }
  const input = text === '' ? {} : parseJson(Buffer.from(text))
  if (isRecord(input)) return { type: 'tool_use', id, name, input }
  return refuse(`${path}.function.arguments`, 'The arguments of a tool call must be a JSON object.')
}

const TOOL_USE_ID = /^[a-zA-Z0-9_-]+$/

function inPlace(
  text: string,
  calls: readonly ToolUseBlockParam[],
  thinking: readonly PlacedThinking[],
): ContentBlockParam[] {
  const blocks: ContentBlockParam[] = []
  let textAt = 0
  let callsAt = 0
  for (const { at, ...block } of thinking) {
    blocks.push(...textBlocks(text.slice(textAt, at.content)), ...calls.slice(callsAt, at.tool_calls), block)
    textAt = Math.max(textAt, at.content)
    callsAt = Math.max(callsAt, at.tool_calls)
  }
  return [...blocks, ...textBlocks(text.slice(textAt)), ...calls.slice(callsAt)]
}
