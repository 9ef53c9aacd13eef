import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { type BucketDefinition, SluiceError } from '@sluice/contracts'
import { type Bucket, type Bus, openBucket, UnreadableEntryError, type Watch } from '@sluice/messaging'
import type { Static, TSchema } from 'typebox'

/** A KV bucket that follows a table. */
export interface Projection {
  /** Brings these keys to the committed state. */
  sync(keys: readonly string[]): Promise<void>
  /**
   * Brings every key that was in the bucket at opening, or is in the table now, to the committed state: deleted ones
   * first. Called once. At the end it marks the bucket as complete, so that watchers forget entries that only they
   * know; but not if the bucket may have been lost since opening, which the next projection reconciles.
   */
  reconcile(): Promise<void>
  stop(): void
}

/** The committed state that a projection follows. */
export interface ProjectedTable<Value> {
  /** Returns those of `keys` that exist. */
  some(keys: readonly string[]): Promise<ReadonlyMap<string, Value>>
  all(): Promise<ReadonlyMap<string, Value>>
}

export interface ProjectionListeners {
  /** Called when a foreign write could not be compared with the table: a later `reconcile` does it. */
  readonly onFault: (error: unknown) => void
  /** Called for a foreign write that has not the bucket's shape; it is replaced. */
  readonly onUnreadable: (error: UnreadableEntryError) => void
}

interface StoredEntry {
  /** The value; undefined when there is none, `UNREADABLE` when it does not have the bucket's shape. */
  readonly value: unknown
  /** 0 when the key was never written. */
  readonly revision: number
}

/**
 * Opens the bucket and projects `table` into it.
 *
 * A key's revision is read before the table and expected at the write. A writer that was delayed in between, here or
 * in another instance, finds a newer revision and reads again, so an older state never replaces a newer one.
 *
 * The bucket is also watched: whatever another client writes is compared with the table, and replaced if it differs.
 * That client may be another instance, or NATS itself, which sends the reply to a request wherever the request says.
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
  const removeListener = bus.onDisconnect(() => {
    wasDisconnected = true
  })
  /** The revision at which each key was last known to be right. */
  const rightAt = new Map<string, number>()
  /** Keys that another client has written since, with the revision. */
  const suspects = new Map<string, number>()
  const present = new Map<string, StoredEntry>()
  let isStarting = true
  let isStopped = false
  let isChecking = false

  const setRight = (key: string, revision: number): true => {
    rightAt.set(key, revision)
    return true
  }

  /** Returns false when the key was written since `stored` was read. */
  const bringTo = async (key: string, value: Static<V> | undefined, stored: StoredEntry): Promise<boolean> => {
    const exists = stored.revision > 0
    // A missing entry is deleted all the same: the bucket may have lost one that watchers still know.
    if (exists && isDeepStrictEqual(stored.value, value)) return setRight(key, stored.revision)
    // Needs no revision: a key that left the table never returns.
    if (value === undefined) return setRight(key, await bucket.delete(key))
    const result = await bucket.update(key, value, stored.revision)
    return result.status === 'stored' && setRight(key, result.revision)
  }

  const sync = async (keys: readonly string[]): Promise<void> => {
    for (let pending = [...new Set(keys)]; pending.length > 0; ) {
      const stored = await Promise.all(pending.map((key) => readEntry(bucket, key)))
      const values = await table.some(pending)
      const isDone = await Promise.all(
        pending.map((key, index) => bringTo(key, values.get(key), stored[index] ?? NEVER_WRITTEN)),
      )
      pending = pending.filter((_, index) => isDone[index] === false)
    }
  }

  const checkSuspects = async (): Promise<void> => {
    if (isChecking) return
    isChecking = true
    try {
      while (suspects.size > 0 && !isStopped) {
        // This instance's own writes are seen before they are confirmed.
        await delay(CHECK_AFTER_MS)
        const seen = [...suspects]
        suspects.clear()
        const keys = seen.filter(([key, revision]) => (rightAt.get(key) ?? 0) < revision).map(([key]) => key)
        for (let from = 0; from < keys.length; from += BATCH_KEYS) await sync(keys.slice(from, from + BATCH_KEYS))
      }
    } catch (error) {
      if (!isStopped) onFault(error)
    } finally {
      isChecking = false
    }
  }

  const onEntry = (key: string, entry: StoredEntry): void => {
    if (isStarting) {
      present.set(key, entry)
    } else if (entry.revision > (rightAt.get(key) ?? 0)) {
      suspects.set(key, entry.revision)
      void checkSuspects()
    }
  }

  /** Another store may have replaced this one: a server that restarts with less of it breaks the connection. */
  const mayBeLost = async () => wasDisconnected || (await bucket.state()).createdAtMs !== createdAtMs

  const watch = await watchWithin(READ_TIMEOUT_MS, () =>
    bucket.watch({
      onEntry: ({ key, value, revision }) => onEntry(key, { value, revision }),
      onFault: (error) => {
        if (error instanceof UnreadableEntryError) {
          onUnreadable(error)
          onEntry(error.key, { value: UNREADABLE, revision: error.revision })
        } else if (!isStopped) {
          onFault(error)
        }
      },
    }),
  ).catch((error: unknown) => {
    removeListener()
    throw error
  })
  isStarting = false
  return {
    sync,
    reconcile: async () => {
      const values = await table.all()
      const deleted = [...present.keys()].filter((key) => !values.has(key))
      for (const keys of [deleted, [...values.keys()]]) {
        for (let from = 0; from < keys.length; from += BATCH_KEYS) {
          if (isStopped) return
          const batch = keys.slice(from, from + BATCH_KEYS)
          const isDone = await Promise.all(
            batch.map((key) => bringTo(key, values.get(key), present.get(key) ?? NEVER_WRITTEN)),
          )
          await sync(batch.filter((_, index) => isDone[index] === false))
        }
      }
      present.clear()
      if (!(await mayBeLost()) && !isStopped) await bucket.markComplete()
    },
    stop: () => {
      isStopped = true
      removeListener()
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

/** A watch that loses the connection while it starts would wait forever. */
async function watchWithin(timeoutMs: number, start: () => Promise<Watch>): Promise<Watch> {
  const starting = start()
  const timeout = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => timeout.reject(new SluiceError('unavailable', 'The message bus does not respond.')),
    timeoutMs,
  )
  try {
    return await Promise.race([starting, timeout.promise])
  } catch (error) {
    starting.then(
      (watch) => watch.stop(),
      () => undefined, // Either this failure is thrown below, or the timeout already was.
    )
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** Equal to no value of a table. */
const UNREADABLE = Symbol('unreadable')
const NEVER_WRITTEN: StoredEntry = { value: undefined, revision: 0 }
const READ_TIMEOUT_MS = 10_000
const CHECK_AFTER_MS = 50
/** How many keys are read with one query, and written to the bucket concurrently. */
const BATCH_KEYS = 250
