import { type Static, Type } from 'typebox'
import { defineRequest } from '../define.ts'
import { RateLimitPart } from '../gateway/rate-limit-reading.ts'
import { ProviderId } from '../providers.ts'

/** How often one part of one limit could not be read, of all answers of a provider. */
export type UnreadableCount = Static<typeof UnreadableCount>
export const UnreadableCount = Type.Object({
  provider: ProviderId,
  dimension: Type.String(),
  part: RateLimitPart,
  answers: Type.Integer({ minimum: 1 }),
})

/** A message of the stream of responses that could not be learnt from. */
export type DeadLetter = Static<typeof DeadLetter>
export const DeadLetter = Type.Object({
  streamSequence: Type.Integer({ minimum: 0 }),
  subject: Type.String(),
  /** What is wrong with it, in words. */
  reason: Type.String(),
  deadLetteredAtMs: Type.Integer(),
})

/** What discovery could not make anything of. */
export const discoveryStatus = defineRequest({
  subject: () => 'discovery.v1.status',
  queue: 'discovery',
  timeoutMs: 5_000,
  askAllAfterMs: 1_000,
  request: Type.Object({}),
  reply: Type.Object({
    /** Counted by the instance that replies, since it started. */
    unreadable: Type.Array(UnreadableCount),
    deadLetters: Type.Object({
      /** Kept by all instances together. */
      count: Type.Integer({ minimum: 0 }),
      /** The newest first. */
      latest: Type.Array(DeadLetter),
    }),
  }),
})
