/**
 * Clock marks: how far the counters' clock has come and which losses are suspected, noted in the store once a second.
 * All instances on one boot of a machine share a mark.
 */
import { type ClockMark, SluiceError } from '@sluice/contracts'
import { type Bucket, type BucketEntry, UnreadableEntryError } from '@sluice/messaging'
import { makeReadable } from './buckets.ts'
import { stepBetween, type TimeSample } from './clock.ts'
import type { StoredMark } from './clock-start.ts'

/** Returns every mark, by boot id or, where the system has none, by instance. */
export async function readMarks(
  marks: Pick<Bucket<ClockMark>, 'keys' | 'get'>,
  onFault: (error: unknown) => void,
): Promise<Map<string, StoredMark>> {
  const stored = new Map<string, StoredMark>()
  for (const [key, { value, storedAtMs }] of await readEntries(marks, onFault)) {
    if (value !== undefined && key !== PROBE_KEY) stored.set(key, { mark: value, storedAtMs })
  }
  return stored
}

/** Reads all entries of a small bucket, skipping those that are not of its shape. */
export async function readEntries<Value>(
  bucket: Pick<Bucket<Value>, 'keys' | 'get'>,
  onFault: (error: unknown) => void,
): Promise<Map<string, BucketEntry<Value>>> {
  const entries = new Map<string, BucketEntry<Value>>()
  for (const key of await bucket.keys()) {
    try {
      entries.set(key, await bucket.get(key))
    } catch (error) {
      if (!(error instanceof UnreadableEntryError)) throw error
      onFault(error)
    }
  }
  return entries
}

/** Makes sure that the bucket returns what it stores. Returns true when it had to be cleared for that. */
export function makeMarksReadable(marks: Bucket<ClockMark>): Promise<boolean> {
  return makeReadable(marks, PROBE_KEY, PROBE_MARK)
}

/**
 * Returns the NATS server's time, in Unix milliseconds, read until two readings in a row show no step between them.
 * @throws SluiceError `unavailable` when the server returns none of what is stored for it
 */
export async function readServerTime(
  marks: Pick<Bucket<ClockMark>, 'put' | 'get'>,
  monotonicMs: () => number,
): Promise<number> {
  let before: TimeSample | undefined
  for (let attempt = 1; attempt <= MAX_READINGS; attempt++) {
    const sentAtMs = monotonicMs()
    await marks.put(PROBE_KEY, PROBE_MARK)
    const { revision, storedAtMs } = await marks.get(PROBE_KEY)
    if (revision === 0) continue
    const sample = { sentAtMs, ackedAtMs: monotonicMs(), storedAtMs }
    if (before !== undefined && stepBetween(before, sample) === 0) return storedAtMs
    before = sample
  }
  if (before === undefined)
    throw new SluiceError('unavailable', 'NATS does not return what it stores, so that its time is unknown')
  return before.storedAtMs
}

export interface MarkWriterDeps {
  readonly marks: Pick<Bucket<ClockMark>, 'get' | 'update'>
  readonly key: string
  /** Returns the mark to write. */
  readonly current: (stopped: boolean) => ClockMark
  /**
   * Called with the stored mark before it is replaced: another instance of this machine may have noted a loss there.
   */
  readonly onRead: (mark: StoredMark) => void
  /**
   * Called when a write got no higher revision than the one before: the store was rolled back. The mark is then
   * written again.
   */
  readonly onRollback: () => void
}

/**
 * Returns the function that writes this machine's mark; it returns when the write was sent and which revision it got.
 */
export function createMarkWriter({ marks, key, current, onRead, onRollback }: MarkWriterDeps) {
  let newestRevision = 0
  return async (stopped: boolean): Promise<{ sentAtMs: number; revision: number }> => {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const { value, revision: expected, storedAtMs } = await marks.get(key)
      if (value !== undefined) onRead({ mark: value, storedAtMs })
      const mark = current(stopped)
      const written = await marks.update(key, mark, expected)
      if (written.status === 'conflict') continue
      const { revision } = written
      const isRolledBack = revision <= newestRevision
      newestRevision = revision
      if (!isRolledBack) return { sentAtMs: mark.monotonicMs, revision }
      onRollback()
    }
    throw new SluiceError('unavailable', 'the mark of the clock cannot be written')
  }
}

/** Shared by all instances. Other keys are boot ids or instances. */
const PROBE_KEY = 'probe'
const PROBE_MARK: ClockMark = { clockMs: 0, monotonicMs: 0, stopped: true }
const MAX_READINGS = 5
/** All instances of one machine may write their mark at the same moment. */
const MAX_ATTEMPTS = 50
