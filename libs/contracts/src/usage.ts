import { type Static, Type } from 'typebox'
import { defineRequest } from './definitions.ts'

/** Durations that half, 90 %, 95 % and 99 % of the requests did not exceed, in milliseconds, each within 4.5 %. */
export type Percentiles = Static<typeof Percentiles>
export const Percentiles = Type.Object({
  p50: Type.Number(),
  p90: Type.Number(),
  p95: Type.Number(),
  p99: Type.Number(),
})

export type UsagePoint = Static<typeof UsagePoint>
export const UsagePoint = Type.Object({
  /** The start of the step, Unix milliseconds. */
  fromMs: Type.Integer(),
  /** The value grouped by; absent without `groupBy`. */
  group: Type.Optional(Type.String()),
  requests: Type.Integer(),
  inputTokens: Type.Integer(),
  outputTokens: Type.Integer(),
  /** Part of `inputTokens`. */
  cachedInputTokens: Type.Integer(),
  /**
   * Part of `inputTokens`, and not of those that were cached: written to the provider's cache. Absent where there are
   * none.
   */
  cacheWriteInputTokens: Type.Optional(Type.Integer()),
  /** Part of `outputTokens`. */
  reasoningTokens: Type.Integer(),
  /**
   * Requests whose responses' usage was not understood, or not all of it: what was reserved for them stays charged.
   * Absent where there were none.
   */
  unreadRequests: Type.Optional(Type.Integer()),
  /** Requests by how they ended (`Outcome`); outcomes that did not occur are absent. */
  outcomes: Type.Record(Type.String(), Type.Integer()),
  /** The `denied` ones of them by which limit, as `<period>-<metric>`, or by the error code where it was none. */
  deniedBy: Type.Record(Type.String(), Type.Integer()),
  /** From sending the request to the provider to the response's end; absent if none was sent. */
  latencyMs: Type.Optional(Percentiles),
  /** From sending the request to the provider to the response's first byte; absent if there was none. */
  timeToFirstTokenMs: Type.Optional(Percentiles),
  /** The cost of the tokens that have a price in the price list, in USD; absent if none has. */
  estimatedCostUsd: Type.Optional(Type.Number()),
  /** Input and output tokens of models without a price, which the estimate leaves out; absent where there are none. */
  unpricedTokens: Type.Optional(Type.Integer()),
})

/** Time series of requests, tokens, outcomes, durations and cost of a connection, at most 10,000 points. */
export const usageQuery = defineRequest({
  subject: () => 'usage.v1.query',
  queue: 'usage',
  timeoutMs: 5_000,
  // Longer than a query of much usage takes: sent to every instance, it costs PostgreSQL as often.
  askAllAfterMs: 1_500,
  request: Type.Object({
    connectionId: Type.String(),
    fromMs: Type.Integer({ minimum: 0 }),
    /** Not included. */
    toMs: Type.Integer({ minimum: 0 }),
    /** A whole number of minutes. */
    stepMs: Type.Integer({ minimum: 60_000, multipleOf: 60_000 }),
    groupBy: Type.Optional(Type.Union([Type.Literal('model'), Type.Literal('apiKey'), Type.Literal('outcome')])),
  }),
  reply: Type.Object({
    /**
     * The step of the points: as requested, or longer if the range begins before usage is stored at this resolution.
     */
    stepMs: Type.Integer(),
    points: Type.Array(UsagePoint),
  }),
})
