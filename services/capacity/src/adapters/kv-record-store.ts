import type { Bucket } from '@sluice/messaging'
import { emptyRecord } from '../domain/record.ts'
import type { RecordStore } from '../ports/record-store.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'

/** Records in a KV bucket, a key a connection. */
export function kvRecordStore(bucket: Bucket<unknown>): RecordStore {
  return {
    load: async (connectionId) => {
      const { value, revision } = await bucket.get(connectionId)
      return { record: value === undefined ? emptyRecord() : decodeRecord(value), revision }
    },
    save: (connectionId, record, expectedRevision) =>
      bucket.update(connectionId, encodeRecord(record), expectedRevision),
    erase: (connectionId) => bucket.erase(connectionId),
  }
}
