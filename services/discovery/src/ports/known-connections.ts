/** Which connections there are. */
export interface KnownConnections {
  /** Whether the connection is there at this moment; one that was deleted never comes back. */
  exists(connectionId: string): Promise<boolean>
}
