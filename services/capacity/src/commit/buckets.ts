/**
 * The buckets that capacity owns: opened, made again when they are gone, and checked to return what they store.
 *
 * nats-server before 2.10 keeps a stream's index in a file of its own. A power cut that takes more of the messages
 * than of the index leaves an index that is ahead: what is stored next counts as deleted already, until as much was
 * stored as had been lost. The server confirms such writes and reports no error.
 */
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

/** The buckets as an instance finds them, before it writes anything. */
export interface OwnBuckets {
  readonly records: Bucket<unknown>
  readonly marks: Bucket<ClockMark>
  readonly members: Bucket<CapacityMember>
  readonly found: FoundBuckets
  /**
   * Makes the buckets that are gone again. Returns when the younger of records and marks was made, by the NATS
   * server's clock.
   */
  makeAgain(): Promise<number>
}

/**
 * Opens the buckets and makes those that are missing: records before marks before heartbeats, so that their creation
 * times reveal a bucket that was made again.
 * @throws SluiceError `internal` when another version of Sluice made them whose counters this one cannot read, with what to do
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
    // Only a bucket that was made differently is refused with this code.
    if (!(cause instanceof SluiceError) || cause.code !== 'internal') throw cause
    const message = `the bucket ${definition.name} was made by another version of Sluice: ${HOW_TO_START_OVER}`
    throw new SluiceError('internal', message, { cause })
  }
}

/** Returns true when `error` says that the server has no stream for the bucket. */
export function isStreamGone(error: unknown): boolean {
  if (!(error instanceof Error) || !('api_error' in error)) return false
  const refused = error.api_error
  return (
    typeof refused === 'object' && refused !== null && 'err_code' in refused && refused.err_code === STREAM_NOT_FOUND
  )
}

/** JetStream's error code for a stream that does not exist (JSStreamNotFoundErr). */
const STREAM_NOT_FOUND = 10_059

export type ReadableBucket<Value> = Pick<Bucket<Value>, 'put' | 'get'>

/**
 * Writes a key and reads it back, `times` in a row: single messages among those that an index wrongly counts as
 * deleted can be readable. Returns the first revision that could not be read, or undefined when all could.
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

/** Returns the key's revision, also when another program wrote something there that is not of the bucket's shape. */
async function revisionAt<Value>(bucket: ReadableBucket<Value>, key: string): Promise<number> {
  try {
    return (await bucket.get(key)).revision
  } catch (error) {
    if (error instanceof UnreadableEntryError) return error.revision
    throw error
  }
}

/**
 * Makes sure that the bucket returns what it stores, and clears it if it does not. Clears only what was there when it
 * looked: what another instance stored after doing the same stays.
 *
 * @param beforeClearing runs first when the bucket has to be cleared
 * @returns whether it was cleared
 * @throws SluiceError `unavailable` when it cannot be read even after that
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
    throw new SluiceError('unavailable', 'NATS does not return what it stores, even after the bucket was cleared')
  }
  return true
}
