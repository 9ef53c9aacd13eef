import { type Static, Type } from 'typebox'
import { defineStream } from './definitions.ts'
import { ProviderId } from './providers.ts'
import { subjectToken } from './subjects.ts'

export type RateLimitPart = Static<typeof RateLimitPart>
export const RateLimitPart = Type.Union([Type.Literal('limit'), Type.Literal('remaining'), Type.Literal('reset')])

/** One limit as a response reports it. Absent means unknown, never zero. */
export type RateLimitReading = Static<typeof RateLimitReading>
export const RateLimitReading = Type.Object({
  /** The counted quantity, in the provider's word: `requests`, `tokens`, `input-tokens`, … */
  dimension: Type.String(),
  /** The length of the limit's window, if the provider reports or documents it. */
  periodMs: Type.Optional(Type.Integer({ minimum: 1 })),
  limit: Type.Optional(Type.Integer({ minimum: 0 })),
  remaining: Type.Optional(Type.Integer({ minimum: 0 })),
  /** From the receipt of the headers until the whole limit is free again. */
  resetMs: Type.Optional(Type.Integer({ minimum: 0 })),
  /** The parts that cannot be parsed or are not plausible; absent when there are none. */
  unreadable: Type.Optional(Type.Array(RateLimitPart)),
})

/** How a request ended, as rollups count it. */
export type Outcome = Static<typeof Outcome>
export const Outcome = Type.Union([
  Type.Literal('success'),
  /** The provider responded with a 4xx other than 429, or the gateway did without calling the provider. */
  Type.Literal('client_error'),
  Type.Literal('upstream_429'),
  /**
   * The provider responded with 5xx, broke off its response, or was unreachable; or the credential was unavailable or
   * rejected.
   */
  Type.Literal('upstream_error'),
  Type.Literal('timeout'),
  /** The application went away. */
  Type.Literal('aborted'),
  /** The gateway responded with 429 itself. */
  Type.Literal('denied'),
])

export type TokenUsage = Static<typeof TokenUsage>
export const TokenUsage = Type.Object({
  inputTokens: Type.Integer({ minimum: 0 }),
  outputTokens: Type.Integer({ minimum: 0 }),
  /** Read from the provider's prompt cache. Part of `inputTokens`. */
  cachedInputTokens: Type.Integer({ minimum: 0 }),
  /**
   * Written to the provider's prompt cache, at a price of its own. Part of `inputTokens`; absent where the provider
   * reports none.
   */
  cacheWriteInputTokens: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Part of `outputTokens`. */
  reasoningTokens: Type.Integer({ minimum: 0 }),
})

/**
 * One request through a gateway, as it ended, or several that were not sent to the provider and are alike in all that
 * is counted. Holds no content, and of the headers those on rate limits only.
 */
export type ResponseEvent = Static<typeof ResponseEvent>
export const ResponseEvent = Type.Object({
  /** The id of the first request, if the event stands for several. */
  requestId: Type.String(),
  /** How many requests the event stands for, all of which ended in the same minute; one if absent. */
  requests: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000 })),
  /** The times at which the request arrived and its response ended, Unix milliseconds. */
  startedAtMs: Type.Integer(),
  endedAtMs: Type.Integer(),
  apiKeyId: Type.String(),
  /** Empty where it was not looked at; {@link OTHER_MODEL} where an API key named too many. */
  model: Type.String(),
  /** The pool of the model's requests, if the provider has separate limits for it; absent: the common one. */
  pool: Type.Optional(Type.String()),
  outcome: Outcome,
  /** The provider's status; absent if the provider was not called or did not respond. */
  upstreamStatus: Type.Optional(Type.Integer()),
  /** For `denied`: which limit, as `<period>-<metric>`, or the error code where it was none. */
  deniedBy: Type.Optional(Type.String()),
  /** From sending the request to the response's first byte. */
  timeToFirstByteMs: Type.Optional(Type.Number({ minimum: 0 })),
  /** From sending the request to the response's end. */
  upstreamMs: Type.Optional(Type.Number({ minimum: 0 })),
  /** Absent where it is not known. */
  usage: Type.Optional(TokenUsage),
  /**
   * The response came to its end, and its usage was not understood: what was reserved stays charged. Where only the
   * input or only the output was not, `usage` has what stays charged for it.
   */
  unreadUsage: Type.Optional(Type.Literal(true)),
  /** The provider's rate-limit headers, lower case, by allowlist, and when they came. */
  rateLimitHeaders: Type.Optional(Type.Record(Type.String(), Type.String())),
  headersAtMs: Type.Optional(Type.Integer()),
  /** The limits in the body of a 429, of providers that report them there: numbers and names, nothing else of it. */
  rateLimits: Type.Optional(Type.Array(RateLimitReading)),
})

/**
 * Stands for the models beyond those that are counted by name: applications choose the names, so that their number is
 * bounded.
 */
export const OTHER_MODEL = '(other)'

/**
 * A batch of one connection's events. Its message id is `<gateway>-<batch>`, so that a repeated publish is stored
 * once.
 */
export type ResponseBatch = Static<typeof ResponseBatch>
export const ResponseBatch = Type.Object({
  connectionId: Type.String({ minLength: 1 }),
  provider: ProviderId,
  gateway: Type.String(),
  /** Counts up in each gateway process. With `gateway` it names the batch, however often it is delivered. */
  batch: Type.Integer({ minimum: 1 }),
  events: Type.Array(ResponseEvent),
})

/**
 * The stream of all batches. NATS reserves its size when it is created. At about 375 bytes a request, 512 MiB hold 1.4
 * million of them: four hours of 100 a second, or its whole three days of 5, for consumers that are away. Beyond, the
 * oldest go.
 */
export const responses = {
  ...defineStream({
    name: 'RESPONSES',
    subject: (connectionId: string) => `gateway.v1.responses.${subjectToken(connectionId)}`,
    message: ResponseBatch,
    maxAgeMs: 3 * 86_400_000,
    maxBytes: 512 * 1024 ** 2,
    duplicateWindowMs: 120_000,
  }),
  /**
   * How long after its first attempt a gateway may still publish a batch. A consumer knows the batches that it has
   * counted by their names; it may forget a name once no copy can come any more, which is `maxAgeMs` after this.
   */
  lateMs: 86_400_000,
}
