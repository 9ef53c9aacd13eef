import type { Bus } from './bus.ts'
import { UnreadableEntryError } from './faults.ts'
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
  /** The sequence of the last message read since the watch last began, readable or not; 0 when there was none. */
  revision(): number
  /**
   * Begins again from the start; resolves when every present entry was reported once more.
   * @throws NatsError when it cannot: nothing is reported then until `restart` is called again, or the connection is lost and back
   */
  restart(): Promise<void>
  stop(): void
}

/** Where a bucket's entries are. */
export interface WatchedBucket<Value> {
  readonly stream: string
  readonly filterSubject: () => Promise<string>
  /** @throws UnreadableEntryError */
  readonly decode: (message: StoredMessage) => WatchedEntry<Value>
  /** Whether the message says that the bucket is complete, and is no entry. */
  readonly isMark: (message: StoredMessage) => boolean
}

/**
 * Follows a bucket for ever. After a lost connection it begins again, so that all present entries are reported again: nothing that
 * happened in between is missed (deletions leave a marker), and an entry may be reported twice.
 *
 * A bucket whose store was lost or rolled back has neither its newest entries nor their delete markers. A key that was reported before
 * and is not there any more is reported as deleted, but not before the bucket's owner says that the bucket is complete
 * (`Bucket.markComplete`) after the watch began: until then it may be about to be written again, and a key that is missing from a bucket
 * that is being refilled must not seem deleted. A mark that is already there at the beginning may be older than the loss, and says nothing.
 * An owner that never marks its bucket has no key reported so.
 *
 * @throws NatsError when the first beginning fails; nothing is left behind
 */
export async function watchBucket<Value>(
  bus: Bus,
  { stream, filterSubject, decode, isMark }: WatchedBucket<Value>,
  { onEntry, onFault }: WatchOptions<Value>,
): Promise<Watch> {
  let stopped = false
  let generation = 0
  let current: OrderedReader | undefined
  let endInitialization: () => void = () => undefined
  let again: Promise<void> | undefined
  let revision = 0
  /** Keys that were reported with a value, since the watch was opened. */
  const known = new Set<string>()
  /** Those of them that were not seen since the last beginning. */
  let unseen = new Set<string>()

  // One entry that cannot be read or taken keeps none of those after it from being seen.
  const report = (read: () => WatchedEntry<Value>): void => {
    try {
      const entry = read()
      unseen.delete(entry.key)
      if (entry.value === undefined) known.delete(entry.key)
      else known.add(entry.key)
      onEntry(entry)
    } catch (error) {
      if (error instanceof UnreadableEntryError) unseen.delete(error.key)
      onFault(error)
    }
  }

  /** Reports as deleted what the complete bucket lacks. */
  const sweep = ({ sequence, storedAtMs }: StoredMessage): void => {
    for (const key of unseen) report(() => ({ key, value: undefined, revision: sequence, storedAtMs }))
  }

  /** Resolves when all present entries were told, or when a later beginning has taken over. */
  const begin = async (): Promise<void> => {
    const mine = ++generation
    let isPresent = false
    current?.stop()
    revision = 0
    unseen = new Set(known)
    const initialized = Promise.withResolvers<void>()
    endInitialization()
    endInitialization = initialized.resolve
    const reader = await readOrdered(bus, {
      stream,
      filterSubject: await filterSubject(),
      onMessage: (message) => {
        if (stopped || mine !== generation) return
        revision = message.sequence
        if (!isMark(message)) report(() => decode(message))
        else if (isPresent) sweep(message)
      },
      onPresent: () => {
        isPresent = true
        initialized.resolve()
      },
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
  const stop = (): void => {
    stopped = true
    forgetListener()
    endInitialization()
    current?.stop()
  }
  try {
    await begin()
  } catch (error) {
    stop()
    throw error
  }
  // The connection was lost before everything was told: what began anew tells it.
  await again
  return { revision: () => revision, restart: begin, stop }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, RETRY_MS))
}

const RETRY_MS = 250
