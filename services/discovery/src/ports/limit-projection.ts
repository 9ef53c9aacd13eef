/** Shows the discovered limits of each connection to the other services. */
export interface LimitProjection {
  /**
   * Makes the entries of these connections what the store says of them; one that it knows nothing of has none. Safe against
   * others who do so at the same time.
   */
  refresh(connectionIds: readonly string[]): Promise<void>
  /** Those that have an entry now. */
  connectionIds(): Promise<string[]>
}
