import type { ApiKey } from '../domain/api-key.ts'
import type { Connection } from '../domain/connection.ts'

/** What the projections are made of: the committed state at the moment of asking. */
export interface ProjectionSource {
  connection(id: string): Promise<Connection | undefined>
  connections(): Promise<readonly Connection[]>
  apiKey(hash: string): Promise<ApiKey | undefined>
  apiKeys(): Promise<readonly ApiKey[]>
}
