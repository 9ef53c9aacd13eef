import type { Bus } from './bus.ts'
import { type OrderedReader, readOrdered, type StoredMessage } from './ordered-reader.ts'

export interface WatchedEntry<Value> {
  readonly key: string
  /** Absent when the key was deleted. */
  readonly value: Value | undefined
  readonly revision: number
  readonly storedAtMs: number
}

export interface WatchOptions<Value> {
  readonly onEntry: (entry: WatchedEntry<Value>) => void
  /** Told of entries that cannot be read or taken, which are passed over, and of faults, after which the watch begins anew. */
  readonly onFault: (error: unknown) => void
}

export interface Watch {
  stop(): void
}

/** Where a bucket's entries are. */
export interface WatchedBucket<Value> {
  readonly stream: string
  readonly filterSubject: () => Promise<string>
  /** @throws UnreadableEntryError */
  readonly decode: (message: StoredMessage) => WatchedEntry<Value>
}

/**
 * Follows a bucket for ever. After a lost connection it begins anew, so that all present entries are told again: nothing that
 * happened in between is missed (deletions leave a marker), and an entry may be told twice.
 */
export async function watchBucket<Value>(
  bus: Bus,
  { stream, filterSubject, decode }: WatchedBucket<Value>,
  { onEntry, onFault }: WatchOptions<Value>,
): Promise<Watch> {
  let stopped = false
  let generation = 0
  let current: OrderedReader | undefined
  let endInitialization: () => void = () => undefined
  let again: Promise<void> | undefined

  const onMessage = (message: StoredMessage): void => {
    // One entry that cannot be read or taken keeps none of those after it from being seen.
    try {
      onEntry(decode(message))
    } catch (error) {
      onFault(error)
    }
  }

  /** Resolves when all present entries were told, or when a later beginning has taken over. */
  const begin = async (): Promise<void> => {
    const mine = ++generation
    current?.stop()
    const initialized = Promise.withResolvers<void>()
    endInitialization()
    endInitialization = initialized.resolve
    const reader = await readOrdered(bus, {
      stream,
      filterSubject: await filterSubject(),
      onMessage: (message) => {
        if (!stopped && mine === generation) onMessage(message)
      },
      onPresent: initialized.resolve,
      onBroken: (error) => {
        if (stopped || mine !== generation) return
        onFault(error)
        again = pause().then(beginAgain)
      },
    })
    if (stopped || mine !== generation) return reader.stop()
    current = reader
    await initialized.promise
  }

  const beginAgain = async (): Promise<void> => {
    let isFailing = false
    while (!stopped && bus.isConnected()) {
      try {
        return await begin()
      } catch (error) {
        // Told once: it goes on until the bucket is there again.
        if (!isFailing) onFault(error)
        isFailing = true
        await pause()
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

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, RETRY_MS))
}

const RETRY_MS = 250
