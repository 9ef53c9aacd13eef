import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import type { Account, AccountDirectory } from './accounts.ts'
import type { Generation } from './generation.ts'
import type { Denial, LimitStatuses, TokenCounts } from './rate-limiter.ts'
import type { ProviderResponse } from './responses.ts'

/** One provider's wire format, without I/O: the server receives and sends, the core keeps accounts and limits. */
export interface SimulatedProvider {
  readonly routes: readonly ProviderRoute[]
  /** Finds the account by the credential that the provider's SDK sends. */
  identify(request: ReceivedRequest, accounts: AccountDirectory): Caller | Promise<Caller>
  /** Returns the headers that every response has. `limits` are absent where the response belongs to no model. */
  headers(context: HeaderContext): OutgoingHttpHeaders
  /** Returns the error response for a request that is not carried out. */
  failure(failure: Failure, requestId: string): ProviderResponse
}

export interface ProviderRoute {
  readonly method: 'GET' | 'POST'
  /** Fastify's pattern, such as `/v1/models/:model`. */
  readonly path: string
  handle(request: ProviderRequest): RouteResult
}

/** A request whose caller is not known yet. */
export interface ReceivedRequest {
  readonly method: string
  /** As received, percent-encoded, without the query. */
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
  /** For a reason that only this provider has. */
  | { readonly status: 'refused'; readonly response: ProviderResponse }

/** The response that a route has for a request, and what it costs. */
export interface RouteResult {
  /** One request, and these tokens of this model. Absent: the request costs nothing. */
  readonly charge?: TokenCounts & { readonly model: string }
  /** Called only if the charge was admitted. */
  respond(): ProviderResponse
}

export type Failure =
  | { readonly kind: 'missing-api-key' }
  /** `echo`: repeat the key in full instead of masking it. */
  | { readonly kind: 'unknown-api-key'; readonly apiKey: string; readonly echo: boolean }
  | { readonly kind: 'unknown-route'; readonly method: string; readonly path: string }
  | { readonly kind: 'body-too-large' }
  | { readonly kind: 'rate-limited'; readonly account: Account; readonly model: string; readonly denial: Denial }
  /** A control demands it; no limit is reached. */
  | { readonly kind: 'forced-rate-limit'; readonly retryAfterMs?: number }
  | { readonly kind: 'forced-status'; readonly status: number; readonly message?: string }

export interface HeaderContext {
  readonly account?: Account
  readonly limits?: LimitStatuses
  /** The instant of `limits`, in Unix milliseconds. */
  readonly arrivedAtMs: number
  /** Milliseconds, with a fraction, until the headers were sent. */
  readonly processingMs: number
  readonly requestId: string
}

/** Finds the account that an API key belongs to. */
export function callerByApiKey(apiKey: string | undefined, accounts: AccountDirectory): Caller {
  if (apiKey === undefined || apiKey === '') return { status: 'missing-api-key' }
  const account = accounts.get(apiKey)
  return account === undefined ? { status: 'unknown-api-key', apiKey } : { status: 'known', account }
}

/** Returns the token of an `Authorization: Bearer` header (RFC 6750); undefined if there is none. */
export function readBearerToken(authorization: string | undefined): string | undefined {
  return authorization?.match(/^Bearer +(\S+)$/i)?.[1]
}

/** Returns HTTP's `retry-after` in whole seconds, rounded up; no header if there is no time to state. */
export function retryAfter(waitMs: number | undefined): OutgoingHttpHeaders {
  return waitMs === undefined ? {} : { 'retry-after': `${Math.ceil(waitMs / 1000)}` }
}
