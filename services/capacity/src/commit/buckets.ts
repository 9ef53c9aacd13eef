import {
  type BucketDefinition,
  type CapacityMember,
  type ClockMark,
  capacityMembers,
  capacityRecords,
  clockMarks,
  SluiceError,
} from '@sluice/contracts'
import { type Bucket, type Bus, openBucket, UnreadableEntryError } from '@sluice/messaging'
import type { Static, TSchema } from 'typebox'
import { HOW_TO_START_OVER } from '../record/codec.ts'
import type { FoundBuckets } from './clock-start.ts'

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
    const message = `the bucket ${definition.name} was made by another version of Sluice: ${HOW_TO_START_OVER}`
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

export type ReadableBucket<Value> = Pick<Bucket<Value>, 'put' | 'get'>

/**
 * Writes a key and reads it again, `times` in a row. Returns the first revision that could not be read, or undefined where all could.
 *
 * nats-server before 2.10 keeps a stream's index in a file of its own. A power cut that takes more of the messages than of the index
 * leaves one that is ahead: it calls what is stored next deleted already, until as much was stored as had been lost. Several in a row,
 * since the index knows of single messages among those that are lost.
 */
export async function unreadableAt<Value>(
  bucket: ReadableBucket<Value>,
  key: string,
  value: Value,
  times = 3,
): Promise<number | undefined> {
  for (let attempt = 1; attempt <= times; attempt++) {
    const revision = await bucket.put(key, value)
    if ((await revisionAt(bucket, key)) < revision) return revision
  }
  return undefined
}

/** What somebody else wrote there since can be read as well, be it of the bucket's shape or not. */
async function revisionAt<Value>(bucket: ReadableBucket<Value>, key: string): Promise<number> {
  try {
    return (await bucket.get(key)).revision
  } catch (error) {
    if (error instanceof UnreadableEntryError) return error.revision
    throw error
  }
}

/**
 * Makes sure that what the bucket stores can be read, and clears it where it cannot. Clears only what was there when it looked: what
 * another instance has stored after doing the same stays.
 *
 * @param beforeClearing is done first where it has to be cleared
 * @returns whether it was cleared
 * @throws SluiceError `unavailable` where it cannot be read even then
 */
export async function makeReadable<Value>(
  bucket: ReadableBucket<Value> & Pick<Bucket<Value>, 'clear'>,
  key: string,
  value: Value,
  beforeClearing: () => Promise<void> = async () => undefined,
): Promise<boolean> {
  const revision = await unreadableAt(bucket, key, value)
  if (revision === undefined) return false
  await beforeClearing()
  await bucket.clear(revision)
  if ((await unreadableAt(bucket, key, value)) !== undefined) {
    throw new SluiceError('unavailable', 'NATS does not give back what it stores, not even after it was cleared')
  }
  return true
}
