import { type Static, Type } from 'typebox'
import { defineBucket } from '../define.ts'

/** How many of whatever is counted make a token: sums that fade with each request, and what held before anything was learned. */
const LearnedRatio = Type.Object({
  start: Type.Number({ minimum: 1, maximum: 12 }),
  bytes: Type.Number({ minimum: 1 }),
  tokens: Type.Number({ exclusiveMinimum: 0 }),
})

/** What the settled requests of one connection to one model have taught a gateway. */
export type LearnedModelRecord = Static<typeof LearnedModelRecord>
export const LearnedModelRecord = Type.Object({
  model: Type.String({ minLength: 1, maxLength: 256 }),
  ratio: LearnedRatio,
  tools: LearnedRatio,
  sealed: Type.Object({ units: Type.Number({ minimum: 1 }), tokens: Type.Number() }),
  /** A histogram of the lengths of responses, as the gateway's `output-percentile.ts` has it. */
  output: Type.Object({
    responses: Type.Integer({ minimum: 0 }),
    weights: Type.Array(Type.Tuple([Type.Integer({ minimum: 0, maximum: 200 }), Type.Number({ minimum: 0 })]), {
      maxItems: 200,
    }),
  }),
  /** How much of the prompts the provider read from its cache: sums that fade with each request. Absent: nothing is known. */
  cached: Type.Optional(
    Type.Object({ inputTokens: Type.Number({ exclusiveMinimum: 0 }), cachedTokens: Type.Number({ minimum: 0 }) }),
  ),
})

/** Of one connection, those learned of last at the end; the key is its id. */
export type LearnedRecord = Static<typeof LearnedRecord>
export const LearnedRecord = Type.Object({ models: Type.Array(LearnedModelRecord, { maxItems: 64 }) })

const DAY_MS = 86_400_000

/** What gateways learned of the tokens of requests, so that a gateway that starts goes on with it. Only gateways know what it means. */
export const learnedModels = defineBucket({ name: 'learned', value: LearnedRecord, expiryMs: 30 * DAY_MS })
