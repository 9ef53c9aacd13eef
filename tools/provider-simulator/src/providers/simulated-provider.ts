import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import type { Account } from '../core/accounts.ts'
import type { Generation } from '../core/generation.ts'
import type { Denial, LimitStatuses } from '../core/rate-limiter.ts'

/** One provider's wire format. Neither I/O nor state: the server asks, accounts and limits are the core's. */
export interface SimulatedProvider {
  readonly routes: readonly ProviderRoute[]
  /** The API key as the provider's SDK sends it; undefined if there is none. */
  readApiKey(headers: IncomingHttpHeaders): string | undefined
  /** Headers of every answer. `limits` are absent where the answer belongs to no model. */
  headers(context: HeaderContext): OutgoingHttpHeaders
  /** The answer in place of the one asked for. */
  failure(failure: Failure): Answer
}

export interface ProviderRoute {
  readonly method: 'GET' | 'POST'
  /** Fastify's pattern, such as `/v1/models/:model`. */
  readonly path: string
  handle(request: ProviderRequest): Reply
}

export interface ProviderRequest {
  readonly params: Readonly<Record<string, string>>
  readonly headers: IncomingHttpHeaders
  /** As received, not parsed; empty if there was none. */
  readonly body: string
  readonly account: Account
  readonly generation: Generation
}

/** What a route makes of a request. */
export interface Reply {
  /** What the request costs: one request and so many tokens of this model. Absent: it costs nothing. */
  readonly charge?: { readonly model: string; readonly tokens: number }
  /** Called only if the charge was admitted. */
  answer(): Answer
}

/** One HTTP answer, with the headers that belong to its content only. */
export type Answer =
  | {
      readonly kind: 'body'
      readonly status: number
      readonly headers: OutgoingHttpHeaders
      readonly body: string
    }
  | {
      readonly kind: 'stream'
      readonly status: number
      readonly headers: OutgoingHttpHeaders
      /** Each as it is to reach the client at once: one server-sent event, or one frame. */
      readonly chunks: Iterable<string | Uint8Array>
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
  /** How long the answer took, in milliseconds with a fraction. */
  readonly processingMs: number
  readonly requestId: string
}
