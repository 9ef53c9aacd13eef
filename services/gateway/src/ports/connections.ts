import type { Connection } from '../domain/connection.ts'
import type { CaughtUp } from './api-keys.ts'

/** The connections, in memory: no look-up goes over the network. */
export interface Connections {
  byName(name: string): Connection | undefined
  /** All of them, in no order. */
  all(): Iterable<Connection>
  /** As that of the API keys. */
  catchUp(): Promise<CaughtUp>
}
