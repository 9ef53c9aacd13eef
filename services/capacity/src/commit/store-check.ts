/** Checks the store before any record in it is believed, and probes whether permits can be given. */
import { type Bucket, NoRespondersError } from '@sluice/messaging'
import { makeReadable, type OwnBuckets, type ReadableBucket, unreadableAt } from './buckets.ts'
import type { Membership } from './membership.ts'
import type { KvRecordStore } from './record-store.ts'

export interface RecordCheckDeps {
  readonly records: Pick<Bucket<unknown>, 'put' | 'get' | 'update' | 'keys' | 'clear'>
  readonly membership: Pick<Membership, 'recheck' | 'adoptLosses' | 'suspectVanished'>
  readonly buckets: Pick<OwnBuckets, 'found' | 'makeAgain'>
  /** Called when the bucket was cleared and `kept` records were stored again. */
  readonly onCleared: (kept: number) => void
}

/**
 * Returns the check that runs at the start, after each reconnect, and when a bucket is gone. It makes missing buckets
 * again and clears records that cannot be read; what is missing then counts as used. All instances may run it, in any
 * order: each marks a loss before it clears anything, and looks for such marks after it found the bucket readable.
 */
export function createRecordCheck({ records, membership, buckets, onCleared }: RecordCheckDeps): () => Promise<void> {
  const { recordsMadeAtMs, marksMadeAtMs } = buckets.found
  let knownMadeAtMs = Math.max(recordsMadeAtMs, marksMadeAtMs)
  return async () => {
    const madeAtMs = await buckets.makeAgain()
    await membership.recheck()
    if (madeAtMs !== knownMadeAtMs) {
      await membership.suspectVanished(madeAtMs)
      knownMadeAtMs = madeAtMs
    }
    const kept = new Map<string, unknown>()
    const isCleared = await makeReadable(records, PROBE_KEY, PROBE, async () => {
      for (const key of await records.keys()) {
        const { value } = await records.get(key)
        if (value !== undefined && key !== PROBE_KEY) kept.set(key, value)
      }
      await membership.suspectVanished()
    })
    // On a conflict another instance has stored the record already.
    for (const [key, value] of kept) await records.update(key, value, 0)
    if (isCleared) onCleared(kept.size)
    await membership.adoptLosses()
  }
}

/**
 * Returns the probe behind capacity's health: it writes a key of the counters' own bucket, as each stream fails by
 * itself, and reads it back, as a power cut can leave a stream that does not return what it stores.
 */
export function createPermitProbe(
  records: ReadableBucket<unknown>,
  store: Pick<KvRecordStore, 'checked' | 'doubt'>,
): () => Promise<void> {
  return async () => {
    await store.checked()
    try {
      if ((await unreadableAt(records, PROBE_KEY, PROBE, 1)) === undefined) return
    } catch (error) {
      if (error instanceof NoRespondersError) store.doubt()
      throw error
    }
    store.doubt()
    throw new Error('NATS does not return the counters that it stores; they are about to be repaired')
  }
}

/** Shared by all instances, so that none leaves a key behind. Connection ids are longer. */
const PROBE_KEY = 'health'
/**
 * Larger than a page: on a full disk, a small write still fits in the last page of a file for seconds after counters
 * no longer do.
 */
const PROBE = { padding: '.'.repeat(8_192) }
