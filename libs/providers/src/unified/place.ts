import { type Static, Type } from 'typebox'

/** The position of a block that OpenAI's messages have no field for: how much of the message comes before it. */
export type Place = Static<typeof Place>
export const Place = Type.Object(
  {
    /** Length of the `content` before it, in UTF-16 code units. */
    content: Type.Integer({ minimum: 0 }),
    /** The number of tool calls before it. */
    tool_calls: Type.Integer({ minimum: 0 }),
  },
  { additionalProperties: false },
)

export interface Placed<Block> {
  readonly block: Block
  readonly at: Place
}

/** Returns a message's blocks in order: its text, then its tool calls, with the other blocks at their places. */
export function inPlace<Block>(
  text: string,
  calls: readonly Block[],
  others: readonly Placed<Block>[],
  textBlocks: (text: string) => readonly Block[],
): Block[] {
  const parts: (readonly Block[])[] = []
  let textAt = 0
  let callsAt = 0
  for (const { at, block } of others) {
    parts.push(textBlocks(text.slice(textAt, at.content)), calls.slice(callsAt, at.tool_calls), [block])
    textAt = Math.max(textAt, at.content)
    callsAt = Math.max(callsAt, at.tool_calls)
  }
  return [...parts, textBlocks(text.slice(textAt)), calls.slice(callsAt)].flat()
}
