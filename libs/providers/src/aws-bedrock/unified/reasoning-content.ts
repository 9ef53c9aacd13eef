import { shapeErrors } from '@sluice/contracts'
import { type Static, Type } from 'typebox'
import type { AssistantMessage } from '../../unified/chat-request.ts'
import { Place } from '../../unified/place.ts'
import { refuse } from '../../unified/refusal.ts'
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
export function extraContent(reasoning: readonly PlacedReasoning[]) {
  return reasoning.length === 0 ? {} : { extra_content: { bedrock: { reasoning } } }
}

/** The reasoning that the application sends back. @param path the message's */
export function readReasoning({ extra_content: extra }: AssistantMessage, path: string): PlacedReasoning[] | Refusal {
  const content = extra?.bedrock
  if (content === undefined) return []
  const [error] = shapeErrors(ReasoningContent, content, `${path}.extra_content.bedrock`)
  return error === undefined
    ? (content as Static<typeof ReasoningContent>).reasoning
    : refuse(error.field, `The parameter "${error.field}" ${error.message}.`)
}

export function toReasoningBlock(reasoning: PlacedReasoning): ReasoningBlock {
  if ('redactedContent' in reasoning) {
    return { reasoningContent: { redactedContent: reasoning.redactedContent } }
  }
  const { text, signature } = reasoning
  return { reasoningContent: { reasoningText: { text, signature } } }
}
