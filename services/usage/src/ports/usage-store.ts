import type { RequestOf, ResponseBatch, UsagePoint, usageQuery } from '@sluice/contracts'

export type UsageQuery = RequestOf<typeof usageQuery>

/** Keeps what requests used, added up by minute. */
export interface UsageStore {
  /**
   * Adds the batches' events up, each batch once: one whose name (gateway and number) was recorded before adds nothing.
   * All of it is stored, or nothing.
   * @throws UnstorableError when it cannot be stored as it is; any other error means that it may be tried again
   */
  record(batches: readonly ResponseBatch[]): Promise<void>
  /**
   * The query's points by time and group, at most `maxPoints` of them.
   * @throws SluiceError `unavailable` while the store is away
   */
  points(query: UsageQuery, maxPoints: number): Promise<UsagePoint[]>
  /** Forgets the names of batches that were recorded more than `ageMs` ago. Returns how many. */
  forgetBatches(ageMs: number): Promise<number>
}

/** What was given can never be stored, however often it is tried: a number out of range, text that the store has no place for. */
export class UnstorableError extends Error {
  override readonly name = 'UnstorableError'
}
