import type { CapacityRecord } from '../domain/record.ts'

/** A record as it stands in the store. */
export interface StoredVersion {
  readonly record: CapacityRecord
  /** What {@link RecordStore.save} takes as expected; 0 where there is no record yet. */
  readonly revision: number
}

export type SaveResult = { readonly status: 'stored'; readonly revision: number } | { readonly status: 'conflict' }

/** Where records last. Every method rejects when the store cannot be reached. */
export interface RecordStore {
  load(connectionId: string): Promise<StoredVersion>
  /**
   * Writes the record only if the stored one still has `expectedRevision`: what makes the counters exact.
   * A rejection leaves open whether it was written.
   */
  save(connectionId: string, record: CapacityRecord, expectedRevision: number): Promise<SaveResult>
  /** Has the store looked at, and mended, before the next load: what it holds may be broken. */
  doubt(): void
  /** Removes the record as if it had never been. */
  erase(connectionId: string): Promise<void>
}
