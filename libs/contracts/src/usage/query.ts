import { type Static, Type } from 'typebox'
import { defineRequest } from '../define.ts'

export type UsagePoint = Static<typeof UsagePoint>
export const UsagePoint = Type.Object({
  /** The start of the step, Unix milliseconds. */
  fromMs: Type.Integer(),
  /** The value grouped by; absent without `groupBy`. */
  group: Type.Optional(Type.String()),
  requests: Type.Integer(),
  inputTokens: Type.Integer(),
  outputTokens: Type.Integer(),
  cachedInputTokens: Type.Integer(),
  reasoningTokens: Type.Integer(),
  /** Requests by how they ended; outcomes that did not occur are absent. */
  outcomes: Type.Record(Type.String(), Type.Integer()),
})

/** Time series of requests, tokens and outcomes of a connection, at most 10,000 points. */
export const usageQuery = defineRequest({
  subject: () => 'usage.v1.query',
  queue: 'usage',
  timeoutMs: 5_000,
  request: Type.Object({
    connectionId: Type.String(),
    fromMs: Type.Integer({ minimum: 0 }),
    /** Not included. */
    toMs: Type.Integer({ minimum: 0 }),
    /** A whole number of minutes. */
    stepMs: Type.Integer({ minimum: 60_000, multipleOf: 60_000 }),
    groupBy: Type.Optional(Type.Union([Type.Literal('model'), Type.Literal('apiKey'), Type.Literal('outcome')])),
  }),
  reply: Type.Object({ points: Type.Array(UsagePoint) }),
})
