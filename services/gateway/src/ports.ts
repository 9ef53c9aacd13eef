import type { ApiKey } from './admission/api-key.ts'
import type { Connection } from './admission/connection.ts'

export interface Clock {
  /** The instant, Unix milliseconds, whole. */
  nowMs(): number
  /** Milliseconds, with a fraction, since some instant; never goes back. */
  elapsedMs(): number
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
