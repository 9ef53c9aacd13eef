/** What the service can reach now. */
export interface Health {
  isDatabaseReachable(): Promise<boolean>
  isBusConnected(): boolean
}
