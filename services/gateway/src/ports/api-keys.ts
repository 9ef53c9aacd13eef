import type { ApiKey } from '../domain/api-key.ts'

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
