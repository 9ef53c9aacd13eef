import { isDeepStrictEqual } from 'node:util'
import type { BucketDefinition } from '@sluice/contracts'
import { type Bucket, type Bus, openBucket } from '@sluice/messaging'
import type { Static, TSchema } from 'typebox'
import { readAll, readEntry, type StoredEntry } from './read-bucket.ts'

/** A KV bucket that follows a table. */
export interface Projection {
  /** Brings one key to what is committed now. */
  sync(key: string): Promise<void>
  /** Brings every key to what is committed now, and removes those that are no longer there. */
  reconcile(): Promise<void>
}

/** What a projection is made of: the committed state at the moment of asking. */
export interface ProjectedTable<Value> {
  /** Undefined when the key is not there (any more). */
  one(key: string): Promise<Value | undefined>
  all(): Promise<ReadonlyMap<string, Value>>
}

/**
 * Opens the bucket and projects `table` into it.
 *
 * A key's revision is read before the table and expected at the write. So a writer that was held up in between, here or in another
 * instance, finds a newer revision and reads again: an older state never stands in a newer one's place.
 */
export async function openProjection<V extends TSchema>(
  bus: Bus,
  definition: BucketDefinition<V>,
  table: ProjectedTable<Static<V>>,
): Promise<Projection> {
  const bucket = await openBucket(bus, definition)
  const sync = async (key: string): Promise<void> => {
    for (;;) {
      const stored = await readEntry(bucket, key)
      const value = await table.one(key)
      if (await bringTo(bucket, key, value, stored)) return
    }
  }
  return {
    sync,
    reconcile: async () => {
      const storedByKey = await readAll(bucket)
      const valueByKey = await table.all()
      for (const key of new Set([...storedByKey.keys(), ...valueByKey.keys()])) {
        const stored = storedByKey.get(key) ?? NEVER_WRITTEN
        if (!(await bringTo(bucket, key, valueByKey.get(key), stored))) await sync(key)
      }
    },
  }
}

const NEVER_WRITTEN: StoredEntry = { value: undefined, revision: 0 }

/** False when the key was written since `stored` was read. */
async function bringTo<Value>(
  bucket: Bucket<Value>,
  key: string,
  value: Value | undefined,
  stored: StoredEntry,
): Promise<boolean> {
  if (isDeepStrictEqual(stored.value, value)) return true
  if (value === undefined) {
    // Needs no revision: what is gone from the table never comes back under the same key.
    await bucket.delete(key)
    return true
  }
  const result = await bucket.update(key, value, stored.revision)
  return result.status === 'stored'
}
