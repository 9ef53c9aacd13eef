import {
  type BucketDefinition,
  type CapacityMember,
  type ClockMark,
  capacityMembers,
  capacityRecords,
  clockMarks,
  SluiceError,
} from '@sluice/contracts'
import { type Bucket, type Bus, openBucket } from '@sluice/messaging'
import type { Static, TSchema } from 'typebox'
import type { FoundBuckets } from './clock-start.ts'
import { HOW_TO_BEGIN_AGAIN } from './record-codec.ts'

/** The buckets that capacity makes, as an instance finds them before it writes anything there. */
export interface OwnBuckets {
  readonly records: Bucket<unknown>
  readonly marks: Bucket<ClockMark>
  readonly members: Bucket<CapacityMember>
  readonly found: FoundBuckets
  /** Makes those again that are gone. Returns when the younger of records and marks was made, by the NATS server's clock. */
  makeAgain(): Promise<number>
}

/**
 * Opens the buckets, and makes those that are not there: records before marks, and marks before heartbeats, so that in the order of their
 * making one that was made again shows.
 * @throws SluiceError `internal` where a version of Sluice made them whose counters this one does not read, with what to do
 */
export async function openOwnBuckets(bus: Bus): Promise<OwnBuckets> {
  const records = await openOwn(bus, capacityRecords)
  const marks = await openOwn(bus, clockMarks)
  const members = await openBucket(bus, capacityMembers)
  const { lastStoredAtMs } = await members.state()
  const found = {
    recordsMadeAtMs: (await records.state()).createdAtMs,
    marksMadeAtMs: (await marks.state()).createdAtMs,
    ...(lastStoredAtMs === undefined ? {} : { lastHeartbeatAtMs: lastStoredAtMs }),
  }
  const madeAtMs = async (bucket: Pick<Bucket<unknown>, 'state'>, definition: BucketDefinition): Promise<number> => {
    try {
      return (await bucket.state()).createdAtMs
    } catch (error) {
      if (!isStreamGone(error)) throw error
      await openBucket(bus, definition)
      return (await bucket.state()).createdAtMs
    }
  }
  return {
    records,
    marks,
    members,
    found,
    makeAgain: async () => {
      const recordsMadeAtMs = await madeAtMs(records, capacityRecords)
      const marksMadeAtMs = await madeAtMs(marks, clockMarks)
      await madeAtMs(members, capacityMembers)
      return Math.max(recordsMadeAtMs, marksMadeAtMs)
    },
  }
}

async function openOwn<V extends TSchema>(bus: Bus, definition: BucketDefinition<V>): Promise<Bucket<Static<V>>> {
  try {
    return await openBucket(bus, definition)
  } catch (cause) {
    // Nothing but how it was made is refused so.
    if (!(cause instanceof SluiceError) || cause.code !== 'internal') throw cause
    const message = `the bucket ${definition.name} was made by another version of Sluice: ${HOW_TO_BEGIN_AGAIN}`
    throw new SluiceError('internal', message, { cause })
  }
}

/** True when the server has no stream for the bucket. */
export function isStreamGone(error: unknown): boolean {
  if (!(error instanceof Error) || !('api_error' in error)) return false
  const refused = error.api_error
  return (
    typeof refused === 'object' && refused !== null && 'err_code' in refused && refused.err_code === STREAM_NOT_FOUND
  )
}

/** JetStream's error for a stream that is not there. */
const STREAM_NOT_FOUND = 10_059
