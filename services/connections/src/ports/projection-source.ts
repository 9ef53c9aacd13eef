import type { ApiKey } from '../domain/api-key.ts'
import type { Connection } from '../domain/connection.ts'

/** What the projections are made of: the committed state at the moment of asking. */
export interface ProjectionSource {
  /** All, or those of `ids` that are there; what is no id is passed over. */
  connections(ids?: readonly string[]): Promise<readonly Connection[]>
  /** All, or those of `hashes` that are there. */
  apiKeys(hashes?: readonly string[]): Promise<readonly ApiKey[]>
}
