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
 * Returns what looks at the store before any record of it is believed: at the start, after each reconnect, and when a bucket
 * is gone. A bucket that is gone is made again, and records that cannot be read are cleared away; what is missing then counts as used. Every instance does so, in any order: the loss is marked before anything
 * is cleared, and each looks for such marks after it found the bucket readable.
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
    // Where there is one again, another instance has stored it.
    for (const [key, value] of kept) await records.update(key, value, 0)
    if (isCleared) onCleared(kept.size)
    await membership.adoptLosses()
  }
}

/**
 * Returns what tells whether permits can be given: it writes a key of the counters' own bucket, as each stream fails by itself, and reads it
 * again, as a power cut can leave a stream that takes what it does not give back.
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
    throw new Error('NATS does not give back the counters that it stores; they are about to be mended')
  }
}

/** Shared by all instances, so that none leaves one behind. Ids of connections are longer. */
const PROBE_KEY = 'health'
/** Larger than a page, since a small write finds room on a full disk: in the last page of a file, for seconds after counters found none. */
const PROBE = { padding: '.'.repeat(8_192) }
