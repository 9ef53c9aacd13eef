/** What this process knows of connections and API keys. */
export interface Projections {
  /**
   * Whether it is known well enough to go by: a key may have been revoked, or a connection disabled, since this process heard of it
   * last. Costs a comparison.
   */
  areCurrent(): boolean
}
