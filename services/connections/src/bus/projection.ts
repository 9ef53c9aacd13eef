import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { type BucketDefinition, SluiceError } from '@sluice/contracts'
import { type Bucket, type Bus, openBucket, UnreadableEntryError, type Watch } from '@sluice/messaging'
import type { Static, TSchema } from 'typebox'

/** A KV bucket that follows a table. */
export interface Projection {
  /** Brings these keys to what is committed now. */
  sync(keys: readonly string[]): Promise<void>
  /**
   * Brings every key that was there at the opening or is committed now to what is committed: first those that are gone. Once. Marks the
   * bucket as complete at the end, so that its watches forget what only they know; not where it may have been lost since the opening,
   * which is for the next projection to put right.
   */
  reconcile(): Promise<void>
  stop(): void
}

/** What a projection is made of: the committed state at the moment of asking. */
export interface ProjectedTable<Value> {
  /** Those of `keys` that are there. */
  some(keys: readonly string[]): Promise<ReadonlyMap<string, Value>>
  all(): Promise<ReadonlyMap<string, Value>>
}

export interface ProjectionListeners {
  /** Called when what another wrote could not be compared: a later `reconcile` does it. */
  readonly onFault: (error: unknown) => void
  /** Called with what another wrote that is not of the bucket's shape, and is put right. */
  readonly onUnreadable: (error: UnreadableEntryError) => void
}

interface StoredEntry {
  /** Undefined when there is none; `UNREADABLE` where it is not of the bucket's shape. */
  readonly value: unknown
  /** 0 when the key was never written. */
  readonly revision: number
}

/**
 * Opens the bucket and projects `table` into it.
 *
 * A key's revision is read before the table and expected at the write. So a writer that was held up in between, here or in another
 * instance, finds a newer revision and reads again: an older state never stands in a newer one's place.
 *
 * The bucket is followed, too: whatever is written there by another is compared with the table, and put right where it differs. That is
 * another instance, or NATS itself, which sends the reply to a request wherever the request says.
 *
 * @throws SluiceError `unavailable` when the bucket cannot be read within 10 seconds
 */
export async function openProjection<V extends TSchema>(
  bus: Bus,
  definition: BucketDefinition<V>,
  table: ProjectedTable<Static<V>>,
  { onFault, onUnreadable }: ProjectionListeners,
): Promise<Projection> {
  const bucket = await openBucket(bus, definition)
  const { createdAtMs } = await bucket.state()
  let wasDisconnected = false
  const forgetListener = bus.onDisconnect(() => {
    wasDisconnected = true
  })
  /** The revision at which each key was last found or made right. */
  const rightAt = new Map<string, number>()
  /** Keys that another has written since, with the revision. */
  const doubtful = new Map<string, number>()
  const present = new Map<string, StoredEntry>()
  let isStarting = true
  let isStopped = false
  let isChecking = false

  const foundRight = (key: string, revision: number): true => {
    rightAt.set(key, revision)
    return true
  }

  /** Returns false when the key was written since `stored` was read. */
  const bringTo = async (key: string, value: Static<V> | undefined, stored: StoredEntry): Promise<boolean> => {
    const isThere = stored.revision > 0
    // Where nothing is there, a marker is written all the same: the bucket may have lost an entry that others still know.
    if (isThere && isDeepStrictEqual(stored.value, value)) return foundRight(key, stored.revision)
    // Needs no revision: what is gone from the table never comes back under the same key.
    if (value === undefined) return foundRight(key, await bucket.delete(key))
    const result = await bucket.update(key, value, stored.revision)
    return result.status === 'stored' && foundRight(key, result.revision)
  }

  const sync = async (keys: readonly string[]): Promise<void> => {
    for (let left = [...new Set(keys)]; left.length > 0; ) {
      const stored = await Promise.all(left.map((key) => readEntry(bucket, key)))
      const values = await table.some(left)
      const isDone = await Promise.all(left.map((key, index) => bringTo(key, values.get(key), stored[index] ?? NEVER)))
      left = left.filter((_, index) => isDone[index] === false)
    }
  }

  const check = async (): Promise<void> => {
    if (isChecking) return
    isChecking = true
    try {
      while (doubtful.size > 0 && !isStopped) {
        // What this instance writes is heard before it is confirmed.
        await delay(CHECK_AFTER_MS)
        const seen = [...doubtful]
        doubtful.clear()
        const keys = seen.filter(([key, revision]) => (rightAt.get(key) ?? 0) < revision).map(([key]) => key)
        for (let from = 0; from < keys.length; from += BATCH_KEYS) await sync(keys.slice(from, from + BATCH_KEYS))
      }
    } catch (error) {
      if (!isStopped) onFault(error)
    } finally {
      isChecking = false
    }
  }

  const told = (key: string, entry: StoredEntry): void => {
    if (isStarting) {
      present.set(key, entry)
    } else if (entry.revision > (rightAt.get(key) ?? 0)) {
      doubtful.set(key, entry.revision)
      void check()
    }
  }

  /** Another store may have taken this one's place: a server that comes back with less of it ends the connection. */
  const mayBeLost = async () => wasDisconnected || (await bucket.state()).createdAtMs !== createdAtMs

  const watch = await watchWithin(READ_TIMEOUT_MS, () =>
    bucket.watch({
      onEntry: ({ key, value, revision }) => told(key, { value, revision }),
      onFault: (error) => {
        if (error instanceof UnreadableEntryError) {
          onUnreadable(error)
          told(error.key, { value: UNREADABLE, revision: error.revision })
        } else if (!isStopped) {
          onFault(error)
        }
      },
    }),
  ).catch((error: unknown) => {
    forgetListener()
    throw error
  })
  isStarting = false
  return {
    sync,
    reconcile: async () => {
      const values = await table.all()
      const gone = [...present.keys()].filter((key) => !values.has(key))
      for (const keys of [gone, [...values.keys()]]) {
        for (let from = 0; from < keys.length; from += BATCH_KEYS) {
          if (isStopped) return
          const batch = keys.slice(from, from + BATCH_KEYS)
          const isDone = await Promise.all(batch.map((key) => bringTo(key, values.get(key), present.get(key) ?? NEVER)))
          await sync(batch.filter((_, index) => isDone[index] === false))
        }
      }
      present.clear()
      if (!(await mayBeLost()) && !isStopped) await bucket.markComplete()
    },
    stop: () => {
      isStopped = true
      forgetListener()
      watch.stop()
    },
  }
}

async function readEntry<Value>(bucket: Bucket<Value>, key: string): Promise<StoredEntry> {
  try {
    return await bucket.get(key)
  } catch (error) {
    if (error instanceof UnreadableEntryError) return { value: UNREADABLE, revision: error.revision }
    throw error
  }
}

/** A watch that loses the connection while it begins would wait for ever. */
async function watchWithin(timeoutMs: number, begin: () => Promise<Watch>): Promise<Watch> {
  const beginning = begin()
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new SluiceError('unavailable', 'The message bus does not answer.')),
    timeoutMs,
  )
  try {
    return await Promise.race([beginning, late.promise])
  } catch (error) {
    beginning.then(
      (watch) => watch.stop(),
      () => undefined, // Its failure is the one that is thrown, or comes after nobody waits for it any more.
    )
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** Equal to no value of a table. */
const UNREADABLE = Symbol('unreadable')
const NEVER: StoredEntry = { value: undefined, revision: 0 }
const READ_TIMEOUT_MS = 10_000
const CHECK_AFTER_MS = 50
/** Read from the table with one query, and from and to the bucket side by side. */
const BATCH_KEYS = 250
