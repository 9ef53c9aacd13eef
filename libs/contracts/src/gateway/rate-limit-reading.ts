import { type Static, Type } from 'typebox'

export type RateLimitPart = Static<typeof RateLimitPart>
export const RateLimitPart = Type.Union([Type.Literal('limit'), Type.Literal('remaining'), Type.Literal('reset')])

/** One limit as an answer tells it. Absent means unknown, never zero. */
export type RateLimitReading = Static<typeof RateLimitReading>
export const RateLimitReading = Type.Object({
  /** What is counted, in the provider's word: `requests`, `tokens`, `input-tokens`, … */
  dimension: Type.String(),
  /** The length of the limit's window, where the provider tells or documents it. */
  periodMs: Type.Optional(Type.Integer({ minimum: 1 })),
  limit: Type.Optional(Type.Integer({ minimum: 0 })),
  remaining: Type.Optional(Type.Integer({ minimum: 0 })),
  /** From the receipt of the headers until the whole limit is free again. */
  resetMs: Type.Optional(Type.Integer({ minimum: 0 })),
  /** What the answer tells in a way that cannot be read or believed; absent where there is nothing such. */
  unreadable: Type.Optional(Type.Array(RateLimitPart)),
})
