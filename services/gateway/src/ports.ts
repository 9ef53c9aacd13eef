import type { ApiKey } from './admission/api-key.ts'
import type { Connection } from './admission/connection.ts'

export interface Clock {
  /** The instant, Unix milliseconds, whole. */
  nowMs(): number
  /** Milliseconds, with a fraction, since some instant; never goes back. */
  elapsedMs(): number
}

/** How current this process's knowledge of connections and API keys is. */
export interface Projections {
  /**
   * Returns whether the knowledge is recent enough to decide by: a key may have been revoked, or a connection disabled, since this process last
   * received changes. Costs a comparison.
   */
  areCurrent(): boolean
}

/** `busy`: too many requests wait, and nothing more is known than before. */
export type CaughtUp = 'waited' | 'busy'

/** The applications' keys, in memory: no look-up goes over the network. */
export interface ApiKeys {
  /** @param hash SHA-256 of the key, in lower-case hex */
  byHash(hash: string): ApiKey | undefined
  /**
   * Resolves when every key is known that had been made when it was called, or after a second: for a request whose key is not known, or may
   * not do what is requested. Never rejects; however many call it, NATS gets at most forty requests a second.
   */
  catchUp(): Promise<CaughtUp>
}

/** The connections, in memory: no look-up goes over the network. */
export interface Connections {
  byName(name: string): Connection | undefined
  /** All of them, in no order. */
  all(): Iterable<Connection>
  /** See {@link ApiKeys.catchUp}. */
  catchUp(): Promise<CaughtUp>
}
