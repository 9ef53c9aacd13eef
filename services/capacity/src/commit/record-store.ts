import { type Bucket, NoRespondersError } from '@sluice/messaging'
import { decodeRecord, encodeRecord } from '../record/codec.ts'
import { type CapacityRecord, emptyRecord } from '../record/record.ts'

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

export interface KvRecordStore extends RecordStore {
  /** Resolves when the bucket has been looked at since it was last in doubt. */
  checked(): Promise<void>
}

/**
 * Records in a KV bucket, a key a connection.
 * @param check looks at the bucket, and mends it, before anything is read from it
 * @param onStored called when the store has confirmed a write
 */
export function createKvRecordStore(
  bucket: Pick<Bucket<unknown>, 'get' | 'update' | 'erase'>,
  check: () => Promise<void>,
  onStored: () => void,
): KvRecordStore {
  let checking: Promise<void> | undefined
  const checked = async (): Promise<void> => {
    checking ??= check()
    const mine = checking
    try {
      await mine
    } catch (error) {
      if (checking === mine) checking = undefined
      throw error
    }
    // In doubt again meanwhile.
    if (checking !== mine) await checked()
  }
  const doubt = (): void => {
    checking = undefined
  }
  return {
    checked,
    doubt,
    load: async (connectionId) => {
      await checked()
      const { value, revision } = await bucket.get(connectionId)
      return { record: value === undefined ? emptyRecord() : decodeRecord(value), revision }
    },
    save: async (connectionId, record, expectedRevision) => {
      try {
        const result = await bucket.update(connectionId, encodeRecord(record), expectedRevision)
        if (result.status === 'stored') onStored()
        return result
      } catch (error) {
        // The bucket is gone, or another instance has made it again: what is missing there is to be suspected before it is read.
        if (error instanceof NoRespondersError) doubt()
        throw error
      }
    },
    erase: (connectionId) => bucket.erase(connectionId),
  }
}
