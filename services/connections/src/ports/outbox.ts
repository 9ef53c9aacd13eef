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
   * Publishes what is there and removes what was published, until nothing is left: first what takes something away, with all earlier
   * entries of the same key, then the others, oldest first. What is taken away while others are published waits for one batch of them.
   * Only one caller at a time does so, of all instances: `busy` means that another one is at it. A batch for which `publish` rejects
   * stays, and so does everything after it.
   */
  drain(publish: (entries: readonly OutboxEntry[]) => Promise<void>): Promise<'drained' | 'busy'>
}
