import type { ContentBlockParam, ToolUseBlockParam } from '@anthropic-ai/sdk/resources/messages'
import { callArguments } from '../../unified/call-arguments.ts'
import type { AssistantMessage, ToolCall } from '../../unified/chat-request.ts'
import { inPlace } from '../../unified/place.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import { answerText } from '../../unified/spoken-texts.ts'
import type { Refusal } from '../../unified-api.ts'
import { textBlocks } from './text-blocks.ts'
import { readThinking } from './thinking-content.ts'

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
  const placed = thinking.map(({ at, ...block }) => ({ block, at }))
  return inPlace<ContentBlockParam>(answerText(message), calls, placed, textBlocks)
}

function toToolUse(call: ToolCall, path: string): ToolUseBlockParam | Refusal {
  if (!TOOL_USE_ID.test(call.id)) {
    return refuse(`${path}.id`, 'Anthropic takes ids of tool calls that have only letters, digits, "_" and "-".')
  }
  const parsed = callArguments(call, path)
  return isRefusal(parsed) ? parsed : { type: 'tool_use', id: call.id, name: call.function.name, ...parsed }
}

const TOOL_USE_ID = /^[a-zA-Z0-9_-]+$/
