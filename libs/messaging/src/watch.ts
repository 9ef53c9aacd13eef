import type { KvEntry, KvWatchOptions, QueuedIterator } from 'nats'
import type { Bus } from './bus.ts'

export interface WatchedEntry<Value> {
  readonly key: string
  /** Absent when the key was deleted. */
  readonly value: Value | undefined
  readonly revision: number
  readonly storedAtMs: number
}

export interface WatchOptions<Value> {
  readonly onEntry: (entry: WatchedEntry<Value>) => void
  /** Told of entries that cannot be read, which are passed over, and of faults, after which the watch begins anew. */
  readonly onFault: (error: unknown) => void
}

export interface Watch {
  stop(): void
}

/**
 * Follows a bucket for ever. After a lost connection it begins anew, so that all present entries are told again: nothing that
 * happened in between is missed (deletions leave a marker), and an entry may be told twice.
 */
export async function watchBucket<Value>(
  bus: Bus,
  watch: (options: KvWatchOptions) => Promise<QueuedIterator<KvEntry>>,
  decode: (entry: KvEntry) => WatchedEntry<Value>,
  options: WatchOptions<Value>,
): Promise<Watch> {
  let stopped = false
  let generation = 0
  let current: QueuedIterator<KvEntry> | undefined
  let endInitialization: () => void = () => undefined
  let again: Promise<void> | undefined

  const follow = async (entries: QueuedIterator<KvEntry>): Promise<void> => {
    for await (const entry of entries) {
      let watched: WatchedEntry<Value>
      try {
        watched = decode(entry)
      } catch (error) {
        options.onFault(error)
        continue
      }
      options.onEntry(watched)
    }
  }

  /** Resolves when all present entries were told, or when a later beginning has taken over. */
  const begin = async (): Promise<void> => {
    const mine = ++generation
    current?.stop()
    const initialized = Promise.withResolvers<void>()
    endInitialization()
    endInitialization = initialized.resolve
    const entries = await watch({ initializedFn: () => initialized.resolve() })
    if (stopped || mine !== generation) return entries.stop()
    current = entries
    void follow(entries).catch(options.onFault)
    await initialized.promise
  }

  const beginAgain = async (): Promise<void> => {
    while (!stopped && bus.isConnected()) {
      try {
        return await begin()
      } catch (error) {
        options.onFault(error)
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
  }

  const forgetListener = bus.onReconnect(() => {
    again = beginAgain()
  })
  await begin()
  // The connection was lost before everything was told: what began anew tells it.
  await again
  return {
    stop: () => {
      stopped = true
      forgetListener()
      endInitialization()
      current?.stop()
    },
  }
}

const RETRY_MS = 250
