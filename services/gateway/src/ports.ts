import type { Readable } from 'node:stream'
import type { CoolDown, Cost, ProjectedConnection, ProviderId, ResponseEvent, WindowState } from '@sluice/contracts'
import type { SecretFields } from '@sluice/egress'
import type { WireHeaders } from '@sluice/providers'
import type { ApiKey } from './admission/api-key.ts'
import type { Connection, CredentialVersions } from './admission/connection.ts'
import type { PermitDenial } from './permits/denial.ts'
import type { ReservedTokens } from './permits/reservation.ts'

export interface Clock {
  /** The instant, Unix milliseconds, whole. */
  nowMs(): number
  /** Milliseconds, with a fraction, since some instant; never goes back. */
  elapsedMs(): number
}

/** What asking for a permit came to. */
export type PermitOutcome =
  | { readonly status: 'granted'; readonly permit: Permit; readonly windows: readonly WindowState[] }
  | PermitDenial
  /** No capacity instance answered in time: the connection's `onCapacityUnavailable` decides. */
  | {
      readonly status: 'unavailable'
      /** What keeps capacity from deciding, in words fit for an operator, where it said so. */
      readonly reason?: string
    }

/** The right to send one request upstream, which has been charged with what was reserved for it. */
export interface Permit {
  /**
   * The request must begin to leave by then, by {@link Clock.elapsedMs}; later, it could reach the provider when its charge counts no
   * more. Infinity for one that is unreserved.
   */
  readonly departByMs: number
  /** Moves the charge to now, for an upload that is still running. False where capacity cannot be asked; never rejects. */
  renew(): Promise<boolean>
  /** Charges the same cost once more, as soon as capacity can be asked. */
  chargeAgain(): void
  /**
   * Says that the provider has begun a response of 2xx, which ends a pause that the permit was to try out, and shows that the model's name
   * is none that somebody made up. Sends nothing where it was to try nothing.
   */
  served(): void
  /**
   * Says what the request really used. Call it once, when the request has ended, however it ended; the first call counts.
   * Costs no time: it travels with the connection's next exchange.
   * @param limited what the provider counted against its own limits; absent: what was expected of it, or nothing where nothing was used
   */
  settle(actual: Cost, cooldown?: CoolDown, limited?: Cost): void
}

/** What a request takes of its connection's capacity. */
export interface Reservation extends ReservedTokens {
  readonly model: string
  /** Which part of the model's requests it belongs to, where the provider has limits of its own for that; '' for the common one. */
  readonly pool: string
}

/** What a permit is asked for. */
export interface PermitRequest extends Reservation {
  readonly connectionId: string
  /** Keys that ask for more than there is take turns. */
  readonly apiKeyId: string
}

/** For how long a request waits for its permit. */
export interface Wait {
  /** 0: not at all. */
  readonly maxWaitMs: number
  /** Aborted when the one who asks goes away, which gives up its place. Only asked for where there is something to wait for. */
  readonly gone: () => AbortSignal
}

/** Permits of every connection, kept by the capacity service. */
export interface Permits {
  /**
   * Asks for a permit. Where it is denied, waits for it as `wait` says: API keys take turns, and of one key it is first come first
   * served. `left` when the one who asked went away meanwhile. Never rejects.
   */
  acquire(request: PermitRequest, wait: Wait): Promise<PermitOutcome | { readonly status: 'left' }>
  /**
   * A permit for a request that is let through while no capacity instance answers: nothing is reserved, and what it used is
   * charged when capacity is back.
   */
  unreserved(connectionId: string, model: string): Permit
  /** Counts a permit that was too old by the time its request could leave. */
  expired(connectionId: string): void
}

/** Sends requests to providers. */
export interface Upstream {
  /**
   * Begins a request; what comes back goes to `sink`, once `send` has returned or before. Never throws.
   * @param departByMs by {@link Clock.elapsedMs}: where the connection is there only later, nothing is written and the fault is
   *   `too-late`; the connection stays, for the next try
   */
  send(request: UpstreamRequest, sink: ResponseSink, departByMs: number): UpstreamCall
}

export interface UpstreamRequest {
  /** `https://host:port`. */
  readonly origin: string
  /** With the query. */
  readonly path: string
  readonly method: string
  /** Names and values in turn. */
  readonly headers: string[]
  readonly body: Buffer | Readable | null
  /** Called when nothing of the request is held any more, however it ended. */
  readonly released?: () => void
}

export interface UpstreamCall {
  /** Whether any of the request went out. */
  readonly sent: boolean
  /** Goes on after the sink asked to hold. */
  resume(): void
  /** Ends the request where it stands, or keeps it from being sent; the sink is told nothing more. */
  abort(): void
}

/** Takes one answer: its request's departure, a start, data, and an end; or at any point a fault, after which nothing follows. */
export interface ResponseSink {
  /** The connection is there, and the request is written in this moment. */
  departed(): void
  start(status: number, statusMessage: string, headers: WireHeaders): void
  /** Returns false to ask for a hold until {@link UpstreamCall.resume}; one more piece may still come. */
  data(chunk: Buffer): boolean
  end(): void
  fault(fault: UpstreamFault): void
}

export interface UpstreamFault {
  /**
   * `unreachable`: the connection could not be made, or broke. `unreadable`: what came is not HTTP. `undecodable`: the body is in a
   * content coding that is not known, or damaged. `timeout`: no first byte, or no further one, in time. `too-large`: the request's body exceeded its limit. `invalid`: the request cannot be sent as it is. `too-late`: nothing was
   * written, as the time to depart had passed.
   */
  readonly reason: 'unreachable' | 'unreadable' | 'undecodable' | 'timeout' | 'too-large' | 'invalid' | 'too-late'
  /** Holds no secret, but details that are for the log only. */
  readonly error: Error
}

/** Signs requests of connections that are reached by a role, each within a session of its own in that role. */
export interface RequestSigner {
  /** Waits until {@link sign} need not wait for a session. Never rejects: that no session can be had is told by `sign`. */
  prepare(connection: ProjectedConnection): Promise<void>
  /**
   * The request as it is to be sent, its body and every other header unchanged.
   * @throws (rejects) SluiceError `credential_unavailable` when no session can be had
   */
  sign(connection: ProjectedConnection, request: RequestToSign): Promise<SignedRequest>
}

/** A stream cannot be signed: the signature is over the whole body, and goes before it. */
export interface RequestToSign extends UpstreamRequest {
  readonly body: Buffer | null
}

export interface SignedRequest {
  readonly request: UpstreamRequest
  /** What the provider might repeat in an error. */
  readonly secrets: CredentialSecrets
}

/** A connection's secret config fields, such as `apiKey`. */
export type CredentialSecrets = SecretFields

/** The connections' credentials, decrypted, in memory. */
export interface Credentials {
  /**
   * The credential of a connection, in the version that is asked for or, while that one is under way, in an older one that may be used in
   * its place: at once if it is held, else when it has come, with one request for all who wait. `superseded`: there are newer ones only,
   * which may be for another host; the connection is to be looked at again.
   * @throws (rejects) SluiceError `credential_unavailable` when it cannot be had
   */
  get(connectionId: string, versions: CredentialVersions): CredentialSecrets | Promise<CredentialSecrets | 'superseded'>
}

/** What this process knows of connections and API keys. */
export interface Projections {
  /**
   * Whether it is known well enough to go by: a key may have been revoked, or a connection disabled, since this process heard of it
   * last. Costs a comparison.
   */
  areCurrent(): boolean
}

/** `busy`: too many wait, and nothing more is known than before. */
export type CaughtUp = 'waited' | 'busy'

/** The applications' keys, in memory: no look-up goes over the network. */
export interface ApiKeys {
  /** @param hash SHA-256 of the key, in lower-case hex */
  byHash(hash: string): ApiKey | undefined
  /**
   * Resolves when every key is known that had been made when it was called, or after a second: for a request whose key is not known, or may
   * not do what it asks for. Never rejects; however many call it, NATS is asked forty times a second at most.
   */
  catchUp(): Promise<CaughtUp>
}

/** The connections, in memory: no look-up goes over the network. */
export interface Connections {
  byName(name: string): Connection | undefined
  /** All of them, in no order. */
  all(): Iterable<Connection>
  /** As that of the API keys. */
  catchUp(): Promise<CaughtUp>
}

/** Where it is told how each request ended. */
export interface ResponseEvents {
  /** Takes an event, to be published soon after. Costs no time, and never throws. */
  record(connectionId: string, provider: ProviderId, event: ResponseEvent): void
}
