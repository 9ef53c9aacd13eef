/** Shows the discovered limits of each connection to the other services. */
export interface LimitProjection {
  /** Makes the entries of these connections what the store says of them; safe against others who do so at the same time. */
  refresh(connectionIds: readonly string[]): Promise<void>
}
