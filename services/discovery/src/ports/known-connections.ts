import type { ProjectedConnection } from '@sluice/contracts'

/** Which connections there are. */
export interface KnownConnections {
  /** Whether the connection is there at this moment; one that was deleted never comes back. */
  exists(connectionId: string): Promise<boolean>
  /**
   * The connection as it is now, if it is there.
   * @throws SluiceError `internal` when it cannot be read
   */
  find(connectionId: string): Promise<ProjectedConnection | undefined>
}
