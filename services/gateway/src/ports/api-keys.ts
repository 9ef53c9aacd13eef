import type { ApiKey } from '../domain/api-key.ts'

/** The applications' keys, in memory: no look-up goes over the network. */
export interface ApiKeys {
  /** @param hash SHA-256 of the key, in lower-case hex */
  byHash(hash: string): ApiKey | undefined
}
