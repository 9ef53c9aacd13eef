import { type Static, Type } from 'typebox'
import type { ExtraContent } from '../../unified/answer-message.ts'
import type { AssistantMessage } from '../../unified/chat-request.ts'
import { Place } from '../../unified/place.ts'
import { readShape } from '../../unified/read-shape.ts'
import { isRefusal } from '../../unified/refusal.ts'
import type { Refusal } from '../../unified-api.ts'
import type { ReasoningBlock } from './wire-types.ts'

const closed = { additionalProperties: false } as const

/** Reasoning as it came, signed or sealed, and its place. */
export type PlacedReasoning = Static<typeof PlacedReasoning>
const PlacedReasoning = Type.Union([
  Type.Object({ text: Type.String(), signature: Type.String(), at: Place }, closed),
  /** In base64. */
  Type.Object({ redactedContent: Type.String(), at: Place }, closed),
])

/**
 * What an answer's message has as `extra_content.bedrock`: the reasoning that the model wants back as it was, where it was, above
 * all in the turn that goes on from tool calls. That is what its maker signed or sealed; other reasoning is for reading only.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ReasoningTextBlock.html
 */
const ReasoningContent = Type.Object({ reasoning: Type.Array(PlacedReasoning) }, closed)

/** The reasoning as an answer's message or delta has it; nothing where there was none. */
export function extraContent(reasoning: readonly PlacedReasoning[]): ExtraContent {
  return reasoning.length === 0 ? {} : { extra_content: { bedrock: { reasoning } } }
}

/** The reasoning that the application sends back. @param path the message's */
export function readReasoning({ extra_content: extra }: AssistantMessage, path: string): PlacedReasoning[] | Refusal {
  const content = extra?.bedrock
  if (content === undefined) return []
  const read = readShape(ReasoningContent, content, `${path}.extra_content.bedrock`)
  return isRefusal(read) ? read : read.reasoning
}

export function toReasoningBlock(reasoning: PlacedReasoning): ReasoningBlock {
  if ('redactedContent' in reasoning) {
    return { reasoningContent: { redactedContent: reasoning.redactedContent } }
  }
  const { text, signature } = reasoning
  return { reasoningContent: { reasoningText: { text, signature } } }
}
