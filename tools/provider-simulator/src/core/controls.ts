import { type Static, Type } from 'typebox'

const AfterChunks = Type.Integer({ minimum: 0 })

/**
 * The fault of the response. `afterChunks` counts server-sent events, `[DONE]` included, or frames; a response
 * that is not a stream counts as two chunks, the halves of its body. A response with no more chunks than that ends
 * normally. `status` and `rate-limit` charge no limit.
 */
export const Fault = Type.Union([
  /** Responds with this status and the provider's error body. */
  strict({
    kind: Type.Literal('status'),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    message: Type.Optional(Type.String()),
  }),
  /** Responds 429 as if a limit was reached, with `retry-after` only if `retryAfterMs` is given. */
  strict({ kind: Type.Literal('rate-limit'), retryAfterMs: Type.Optional(Type.Integer({ minimum: 0 })) }),
  /** Ends a stream with the provider's error after this many chunks; other responses stay as they are. */
  strict({
    kind: Type.Literal('error-mid-stream'),
    afterChunks: AfterChunks,
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    message: Type.Optional(Type.String()),
  }),
  /** Accepts the request and never responds. */
  strict({ kind: Type.Literal('hang-before-headers') }),
  /** Stops sending after this many chunks and leaves the connection open. */
  strict({ kind: Type.Literal('hang-mid-stream'), afterChunks: AfterChunks }),
  /** Destroys the connection without a response. */
  strict({ kind: Type.Literal('break-before-headers') }),
  /** Destroys the connection after this many chunks, and half of the next one if `partialChunk`. */
  strict({
    kind: Type.Literal('break-mid-stream'),
    afterChunks: AfterChunks,
    partialChunk: Type.Optional(Type.Boolean()),
  }),
])
export type Fault = Static<typeof Fault>

/** The simulator's treatment of the requests that match. */
export const Control = strict({
  /** Only requests with this key, registered or not; every request if absent. */
  apiKey: Type.Optional(Type.String({ minLength: 1 })),
  /** Only requests to paths with this prefix, such as `/v1/chat/`; every path if absent. */
  pathPrefix: Type.Optional(Type.String({ minLength: 1 })),
  /** Only this many requests; until cleared if absent. */
  times: Type.Optional(Type.Integer({ minimum: 1 })),
  /** Delay before the headers. */
  latencyMs: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Delay between two chunks of a stream. */
  chunkDelayMs: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Length of the text, unless it is JSON; still truncated at the maximum that the caller states. */
  outputTokens: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
  /** Calls the first tool where the request leaves that to the model. */
  callTools: Type.Optional(Type.Boolean()),
  /** Leaves the usage out of responses, plain and streamed. */
  omitUsage: Type.Optional(Type.Boolean()),
  /** Repeats an unknown API key in full in the error, where the real provider masks it. */
  echoApiKey: Type.Optional(Type.Boolean()),
  fault: Type.Optional(Fault),
})
export type Control = Static<typeof Control>

function strict<Properties extends Parameters<typeof Type.Object>[0]>(properties: Properties) {
  return Type.Object(properties, { additionalProperties: false })
}

/** Everything that applies to one request: the controls that matched, merged. */
export type Behavior = Omit<Control, 'apiKey' | 'pathPrefix' | 'times'>

/**
 * Controls without `times` stand until cleared; where several match, the fields of the latest win. Controls with
 * `times` queue up: each request uses the first that matches, on top of those that stand.
 */
export class Controls {
  #standing: Control[] = []
  #queued: QueuedControl[] = []

  add(control: Control): void {
    if (control.times === undefined) this.#standing.push(control)
    else this.#queued.push({ control, remaining: control.times })
  }

  /** Removes every control, or those of one API key. */
  clear(apiKey?: string): void {
    this.#standing = this.#standing.filter((control) => apiKey !== undefined && control.apiKey !== apiKey)
    this.#queued = this.#queued.filter(({ control }) => apiKey !== undefined && control.apiKey !== apiKey)
  }

  /** Returns the controls that still apply; `times` is what remains. */
  list(): readonly Control[] {
    return [...this.#standing, ...this.#queued.map(({ control, remaining }) => ({ ...control, times: remaining }))]
  }

  /**
   * Returns what applies to a request that arrives now with this key at this path, and counts down a queued control.
   */
  take(apiKey: string | undefined, path: string): Behavior {
    if (this.#standing.length === 0 && this.#queued.length === 0) return UNCHANGED
    const standing = this.#standing.filter((control) => matches(control, apiKey, path))
    const queued = this.#takeQueued(apiKey, path)
    return Object.assign({}, ...standing, queued)
  }

  #takeQueued(apiKey: string | undefined, path: string): Control | undefined {
    const index = this.#queued.findIndex(({ control }) => matches(control, apiKey, path))
    const entry = this.#queued[index]
    if (entry === undefined) return undefined
    entry.remaining -= 1
    if (entry.remaining === 0) this.#queued.splice(index, 1)
    return entry.control
  }
}

const UNCHANGED: Behavior = {}

interface QueuedControl {
  readonly control: Control
  remaining: number
}

function matches(control: Control, apiKey: string | undefined, path: string): boolean {
  if (control.apiKey !== undefined && control.apiKey !== apiKey) return false
  return control.pathPrefix === undefined || path.startsWith(control.pathPrefix)
}
