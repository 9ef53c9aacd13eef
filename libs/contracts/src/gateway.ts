import { type Static, Type } from 'typebox'
import { defineBucket } from './definitions.ts'
import { TokenUsage } from './responses.ts'

/** A ratio of counted units to tokens: sums that fade with each request, and the ratio before anything was learned. */
const LearnedRatio = Type.Object({
  start: Type.Number({ minimum: 1, maximum: 12 }),
  bytes: Type.Number({ minimum: 1 }),
  tokens: Type.Number({ exclusiveMinimum: 0 }),
})

/** The ratios that a gateway learned from the settled requests of one connection to one model. */
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
  /**
   * The share of the prompts that the provider read from its cache: sums that fade with each request. Absent: nothing
   * is known.
   */
  cached: Type.Optional(
    Type.Object({ inputTokens: Type.Number({ exclusiveMinimum: 0 }), cachedTokens: Type.Number({ minimum: 0 }) }),
  ),
})

/** The models of one connection, those learned last at the end; the key is the connection's id. */
export type LearnedRecord = Static<typeof LearnedRecord>
export const LearnedRecord = Type.Object({ models: Type.Array(LearnedModelRecord, { maxItems: 64 }) })

const DAY_MS = 86_400_000

/**
 * The gateways' knowledge of the tokens of requests, with which a new gateway starts. Only gateways know what it
 * means.
 */
export const learnedModels = defineBucket({ name: 'learned', value: LearnedRecord, expiryMs: 30 * DAY_MS })

/** A response that a provider makes in the background, whose usage was not known when its request was charged. */
export type BackgroundResponse = Static<typeof BackgroundResponse>
export const BackgroundResponse = Type.Object({
  /** As the request named it. */
  model: Type.String({ maxLength: 256 }),
  /** As in the request's response event. */
  pool: Type.Optional(Type.String({ maxLength: 256 })),
  /** The charge so far toward the connection's limits. The parts may add up to more than `tokens`. */
  charged: Type.Object({
    tokens: Type.Integer({ minimum: 0 }),
    inputTokens: Type.Integer({ minimum: 0 }),
    outputTokens: Type.Integer({ minimum: 0 }),
  }),
  /** The usage that response events reported so far. */
  recorded: Type.Optional(TokenUsage),
  /** Names the write, so that a gateway that got no reply can see whether it took place. */
  writtenBy: Type.String({ maxLength: 64 }),
})

const HOUR_MS = 3_600_000

/**
 * Responses that are made in the background, for the gateways that serve later requests for them. The key is a hash of
 * the connection and the provider's id of the response. An entry that no client requests is deleted after two days;
 * when the bucket is full, further ones are refused.
 */
export const backgroundResponses = defineBucket({
  name: 'background-responses',
  value: BackgroundResponse,
  expiryMs: 48 * HOUR_MS,
  maxBytes: 64 * 1024 * 1024,
})
