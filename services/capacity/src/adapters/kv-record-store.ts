import type { Bucket } from '@sluice/messaging'
import { emptyRecord } from '../domain/record.ts'
import type { RecordStore } from '../ports/record-store.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'

/**
 * Records in a KV bucket, a key a connection.
 * @param onStored called when the store has confirmed a write
 */
export function kvRecordStore(bucket: Bucket<unknown>, onStored: () => void): RecordStore {
  return {
    load: async (connectionId) => {
      const { value, revision } = await bucket.get(connectionId)
      return { record: value === undefined ? emptyRecord() : decodeRecord(value), revision }
    },
    save: async (connectionId, record, expectedRevision) => {
      const result = await bucket.update(connectionId, encodeRecord(record), expectedRevision)
      if (result.status === 'stored') onStored()
      return result
    },
    erase: (connectionId) => bucket.erase(connectionId),
  }
}
