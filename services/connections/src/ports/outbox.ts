/** What happened to a connection, as its event tells it. */
export interface ConnectionChange {
  readonly connectionId: string
  readonly name: string
  readonly change: 'created' | 'updated' | 'rotated' | 'deleted'
  readonly version: number
}

/** A committed change that the bus does not know yet. */
export type OutboxEntry =
  | { readonly kind: 'connection'; readonly change: ConnectionChange }
  | { readonly kind: 'api-key'; readonly hash: string }

export interface Outbox {
  /**
   * Publishes what is there, oldest first, and removes what was published, until nothing is left. Only one caller at a time does
   * so, of all instances: `busy` means that another one is at it. What `publish` rejects for stays, with everything after it.
   */
  drain(publish: (entry: OutboxEntry) => Promise<void>): Promise<'drained' | 'busy'>
}
