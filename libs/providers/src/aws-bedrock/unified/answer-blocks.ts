import { callArguments } from '../../unified/call-arguments.ts'
import type { AssistantMessage, ToolCall } from '../../unified/chat-request.ts'
import { inPlace } from '../../unified/place.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import { answerText, spokenTexts } from '../../unified/spoken-texts.ts'
import type { Refusal } from '../../unified-api.ts'
import { readReasoning, toReasoningBlock } from './reasoning-content.ts'
import type { Document, ReasoningBlock, TextBlock, ToolUseBlock } from './wire-types.ts'

export type AnswerBlock = TextBlock | ToolUseBlock | ReasoningBlock

/** An assistant's message: its text, then its tool calls, and the reasoning where it was. @param path the message's */
export function toAnswerBlocks(message: AssistantMessage, path: string): AnswerBlock[] | Refusal {
  const reasoning = readReasoning(message, path)
  if (isRefusal(reasoning)) return reasoning
  const calls: ToolUseBlock[] = []
  for (const [index, call] of (message.tool_calls ?? []).entries()) {
    const block = toToolUse(call, `${path}.tool_calls.${index}`)
    if (isRefusal(block)) return block
    calls.push(block)
  }
  const placed = reasoning.map((block) => ({ block: toReasoningBlock(block), at: block.at }))
  return inPlace<AnswerBlock>(answerText(message), calls, placed, (text) => spokenTexts(text).map((text) => ({ text })))
}

function toToolUse(call: ToolCall, path: string): ToolUseBlock | Refusal {
  if (!TOOL_USE_ID.test(call.id)) {
    return refuse(`${path}.id`, 'AWS Bedrock takes ids of tool calls that have 1 to 64 letters, digits, "_" and "-".')
  }
  const parsed = callArguments(call, path)
  if (isRefusal(parsed)) return parsed
  return { toolUse: { toolUseId: call.id, name: call.function.name, input: parsed.input as Document } }
}

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html */
const TOOL_USE_ID = /^[a-zA-Z0-9_-]{1,64}$/
