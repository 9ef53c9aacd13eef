import { type Static, Type } from 'typebox'
import { defineBucket } from '../define.ts'
import { TokenUsage } from './responses.ts'

/** A response that a provider makes in the background, whose usage was not known when its request was charged. */
export type BackgroundResponse = Static<typeof BackgroundResponse>
export const BackgroundResponse = Type.Object({
  /** As the request named it. */
  model: Type.String({ maxLength: 256 }),
  /** As in the request's response event. */
  pool: Type.Optional(Type.String({ maxLength: 256 })),
  /** What is charged so far toward the connection's limits. The parts may add up to more than `tokens`. */
  charged: Type.Object({
    tokens: Type.Integer({ minimum: 0 }),
    inputTokens: Type.Integer({ minimum: 0 }),
    outputTokens: Type.Integer({ minimum: 0 }),
  }),
  /** What response events have said of it so far. */
  recorded: Type.Optional(TokenUsage),
  /** Names the write, so that a gateway that got no reply can see whether it took place. */
  writtenBy: Type.String({ maxLength: 64 }),
})

const HOUR_MS = 3_600_000

/**
 * Responses that are made in the background, for the gateways that are asked for them later. The key is a hash of the connection and the
 * provider's id of the response. What nobody asks for goes after two days; when the bucket is full, further ones are refused.
 */
export const backgroundResponses = defineBucket({
  name: 'background-responses',
  value: BackgroundResponse,
  expiryMs: 48 * HOUR_MS,
  maxBytes: 64 * 1024 * 1024,
})
