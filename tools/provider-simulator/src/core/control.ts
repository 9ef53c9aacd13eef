import { type Static, Type } from 'typebox'

const AfterChunks = Type.Integer({ minimum: 0 })

/**
 * What goes wrong instead of the answer. `afterChunks` counts server-sent events, `[DONE]` included, or
 * frames; an answer that is no stream counts as two chunks, the halves of its body; one with no more chunks than that
 * ends as usual. Answers in place of the real one (`status`, `rate-limit`) charge no limit.
 */
export const Fault = Type.Union([
  /** Answers with this status and the provider's error body. */
  strict({
    kind: Type.Literal('status'),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    message: Type.Optional(Type.String()),
  }),
  /** Answers 429 as if a limit was reached, with `retry-after` only if `retryAfterMs` is given. */
  strict({ kind: Type.Literal('rate-limit'), retryAfterMs: Type.Optional(Type.Integer({ minimum: 0 })) }),
  /** Ends a stream after so many chunks with the provider's error in it; an answer that is no stream is left alone. */
  strict({
    kind: Type.Literal('error-mid-stream'),
    afterChunks: AfterChunks,
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    message: Type.Optional(Type.String()),
  }),
  /** Takes the request and never answers. */
  strict({ kind: Type.Literal('hang-before-headers') }),
  /** Stops sending after so many chunks and leaves the connection open. */
  strict({ kind: Type.Literal('hang-mid-stream'), afterChunks: AfterChunks }),
  /** Destroys the connection without an answer. */
  strict({ kind: Type.Literal('break-before-headers') }),
  /** Destroys the connection after so many chunks, and half of the next one if `partialChunk`. */
  strict({
    kind: Type.Literal('break-mid-stream'),
    afterChunks: AfterChunks,
    partialChunk: Type.Optional(Type.Boolean()),
  }),
])
export type Fault = Static<typeof Fault>

/** How the simulator behaves towards the requests that the control applies to. */
export const Control = strict({
  /** Only requests with this key, registered or not; every request if absent. */
  apiKey: Type.Optional(Type.String({ minLength: 1 })),
  /** Only requests to a path that begins so, such as `/model/`; to every path if absent. */
  pathPrefix: Type.Optional(Type.String({ minLength: 1 })),
  /** Only so many requests; until cleared if absent. */
  times: Type.Optional(Type.Integer({ minimum: 1 })),
  /** Added before the headers. */
  latencyMs: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Between two chunks of a stream. */
  chunkDelayMs: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Length of the answer's text, unless it is JSON; still cut at the maximum that the caller states. */
  outputTokens: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
  /** Calls the first tool where the request leaves that to the model. */
  callTools: Type.Optional(Type.Boolean()),
  /** Leaves the usage out of answers, plain and streamed. */
  omitUsage: Type.Optional(Type.Boolean()),
  /** Repeats an unknown API key in full in the error, where the real provider masks it. */
  echoApiKey: Type.Optional(Type.Boolean()),
  fault: Type.Optional(Fault),
})
export type Control = Static<typeof Control>

function strict<Properties extends Parameters<typeof Type.Object>[0]>(properties: Properties) {
  return Type.Object(properties, { additionalProperties: false })
}
