import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import type { Account, AccountDirectory } from '../core/accounts.ts'
import type { Generation } from '../core/generation.ts'
import type { Denial, LimitStatuses, TokenCounts } from '../core/rate-limiter.ts'

/** One provider's wire format. No I/O: the server asks; accounts and limits are the core's. */
export interface SimulatedProvider {
  readonly routes: readonly ProviderRoute[]
  /** Whose request it is, by the credential that the provider's SDK sends. */
  identify(request: ReceivedRequest, accounts: AccountDirectory): Caller | Promise<Caller>
  /** Headers of every answer. `limits` are absent where the answer belongs to no model. */
  headers(context: HeaderContext): OutgoingHttpHeaders
  /** The answer in place of the one asked for. */
  failure(failure: Failure, requestId: string): Answer
}

export interface ProviderRoute {
  readonly method: 'GET' | 'POST'
  /** Fastify's pattern, such as `/v1/models/:model`. */
  readonly path: string
  handle(request: ProviderRequest): Reply
  /** In place of the provider's own, where the errors of this route look different. */
  readonly failure?: SimulatedProvider['failure']
}

/** A request before it is known whose it is. */
export interface ReceivedRequest {
  readonly method: string
  /** As received, percent-encoding and all, without the query. */
  readonly path: string
  /** As received, without the question mark; empty if there is none. */
  readonly query: string
  readonly headers: IncomingHttpHeaders
  /** As received, not parsed; empty if there was none. */
  readonly body: string
  /** Unix milliseconds, with a fraction. */
  readonly arrivedAtMs: number
  /** 32 hexadecimal digits. */
  readonly requestId: string
}

export interface ProviderRequest extends ReceivedRequest {
  /** Decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly account: Account
  readonly generation: Generation
}

export type Caller =
  | { readonly status: 'known'; readonly account: Account }
  | { readonly status: 'missing-api-key' }
  | { readonly status: 'unknown-api-key'; readonly apiKey: string }
  /** In a way that only this provider has. */
  | { readonly status: 'refused'; readonly answer: Answer }

/** What a route makes of a request. */
export interface Reply {
  /** What the request costs: one request, and the tokens of this model. Absent: it costs nothing. */
  readonly charge?: TokenCounts & { readonly model: string }
  /** Called only if the charge was admitted. */
  answer(): Answer
}

/** One HTTP answer, with the headers that belong to its content only. */
export type Answer = BodyResponse | StreamResponse

export interface BodyResponse {
  readonly kind: 'body'
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  readonly body: string
}

export interface StreamResponse {
  readonly kind: 'stream'
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  /** Each as it is to reach the client at once: one server-sent event, or one frame. */
  readonly chunks: Iterable<Chunk>
  /** What ends the stream instead when something goes wrong halfway. */
  errorChunk(error: StreamError): Chunk
}

export type Chunk = string | Uint8Array

export interface StreamError {
  /** The HTTP status that the error would have had at the start. */
  readonly status: number
  readonly message?: string
}

export type Failure =
  | { readonly kind: 'missing-api-key' }
  /** `echo`: repeat the key in full instead of masking it. */
  | { readonly kind: 'unknown-api-key'; readonly apiKey: string; readonly echo: boolean }
  | { readonly kind: 'unknown-route'; readonly method: string; readonly path: string }
  | { readonly kind: 'body-too-large' }
  | { readonly kind: 'rate-limited'; readonly account: Account; readonly model: string; readonly denial: Denial }
  /** Told to, with no limit reached. */
  | { readonly kind: 'forced-rate-limit'; readonly retryAfterMs?: number }
  | { readonly kind: 'forced-status'; readonly status: number; readonly message?: string }

export interface HeaderContext {
  readonly account?: Account
  readonly limits?: LimitStatuses
  /** When the limits stood so, in Unix milliseconds. */
  readonly arrivedAtMs: number
  /** How long the answer took, in milliseconds with a fraction. */
  readonly processingMs: number
  readonly requestId: string
}
