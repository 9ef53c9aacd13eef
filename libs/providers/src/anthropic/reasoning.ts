import { type Static, Type } from 'typebox'
import type { ExtraContent } from '../unified/chat-completion.ts'
import type { AssistantMessage } from '../unified/chat-request.ts'
import { Place } from '../unified/place.ts'
import { isRefusal, readShape } from '../unified/refusal.ts'
import type { Refusal } from '../unified-api.ts'

const closed = { additionalProperties: false } as const

export type VisibleThinking = Static<typeof VisibleThinking>
const VisibleThinking = Type.Object(
  { type: Type.Literal('thinking'), thinking: Type.String(), signature: Type.String(), at: Place },
  closed,
)

const RedactedThinking = Type.Object(
  { type: Type.Literal('redacted_thinking'), data: Type.String(), at: Place },
  closed,
)

/** A thinking block as Anthropic returned it, with its signature and its place in the message. */
export type PlacedThinking = Static<typeof PlacedThinking>
const PlacedThinking = Type.Union([VisibleThinking, RedactedThinking])

/**
 * The `extra_content.anthropic` of a response's message: its thinking, which Anthropic expects back unchanged and in
 * place, above all in the turn that follows tool calls.
 * @see https://platform.claude.com/docs/en/build-with-claude/extended-thinking#preserving-thinking-blocks
 */
const ThinkingContent = Type.Object({ thinking: Type.Array(PlacedThinking) }, closed)

/** Returns a response's block with its place; undefined where it is not thinking. */
export function placeThinking(
  { type, thinking, signature, data }: Readonly<Record<string, unknown>>,
  at: PlacedThinking['at'],
): PlacedThinking | undefined {
  if (type === 'redacted_thinking' && typeof data === 'string') return { type, data, at }
  if (type !== 'thinking' || typeof thinking !== 'string') return undefined
  return { type, thinking, signature: typeof signature === 'string' ? signature : '', at }
}

/** Returns the thinking as a member of a message or delta; no member where there was none. */
export function thinkingContent(thinking: readonly PlacedThinking[]): ExtraContent {
  return thinking.length === 0 ? {} : { extra_content: { anthropic: { thinking } } }
}

/** Reads the thinking that the application sends back. @param path the message's */
export function readThinking({ extra_content: extra }: AssistantMessage, path: string): PlacedThinking[] | Refusal {
  const content = extra?.anthropic
  if (content === undefined) return []
  const read = readShape(ThinkingContent, content, `${path}.extra_content.anthropic`)
  return isRefusal(read) ? read : read.thinking
}
