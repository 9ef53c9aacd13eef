/** Where records are stored: a KV bucket with one key for each connection. */
import { type Bucket, NoRespondersError } from '@sluice/messaging'
import { decodeRecord, encodeRecord } from '../record/codec.ts'
import { type CapacityRecord, emptyRecord, type RecordVersion } from '../record/record.ts'

type SaveResult = { readonly status: 'stored'; readonly revision: number } | { readonly status: 'conflict' }

/** Every method rejects when the store cannot be reached. */
export interface RecordStore {
  load(connectionId: string): Promise<RecordVersion>
  /**
   * Writes the record only if the stored one still has `expectedRevision`, which is what makes the counters exact.
   * After a rejection it is unknown whether the record was written.
   */
  save(connectionId: string, record: CapacityRecord, expectedRevision: number): Promise<SaveResult>
  /** Has the store checked, and repaired, before the next load. */
  doubt(): void
  /** Removes the record as if it had never existed. */
  erase(connectionId: string): Promise<void>
}

export interface KvRecordStore extends RecordStore {
  /** Resolves when the bucket has been checked since it was last in doubt. */
  checked(): Promise<void>
}

/**
 * @param check checks the bucket, and repairs it, before anything is read from it
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
    // The bucket came into doubt again meanwhile.
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
        // The bucket is gone. It may come back without its records, whose loss must be suspected before anything is
        // read.
        if (error instanceof NoRespondersError) doubt()
        throw error
      }
    },
    erase: (connectionId) => bucket.erase(connectionId),
  }
}
