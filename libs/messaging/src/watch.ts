import type { Bus } from './bus.ts'
import { UnreadableEntryError } from './errors.ts'
import { type OrderedReader, readOrdered, type StoredMessage } from './ordered-reader.ts'

export interface WatchedEntry<Value> {
  readonly key: string
  /** Absent if the key was deleted. */
  readonly value: Value | undefined
  readonly revision: number
  /** By the server's clock, Unix milliseconds. */
  readonly storedAtMs: number
}

export interface WatchOptions<Value> {
  readonly onEntry: (entry: WatchedEntry<Value>) => void
  /**
   * Called with what `onEntry` threw, with an `UnreadableEntryError` for an entry that does not match the schema (both
   * are skipped, and the watch goes on), and with the error after which the watch starts over.
   */
  readonly onFault: (error: unknown) => void
}

export interface Watch {
  /**
   * Returns the sequence of the last message read since the watch last started, readable or not; 0 if there was none.
   */
  revision(): number
  /**
   * Starts over; resolves when every present entry has been reported once more.
   * @throws NatsError on failure; then nothing is reported until the next `restart` or reconnect
   */
  restart(): Promise<void>
  stop(): void
}

/** The location and encoding of a bucket's entries. */
export interface WatchedBucket<Value> {
  readonly stream: string
  readonly filterSubject: () => Promise<string>
  /** @throws UnreadableEntryError */
  readonly decode: (message: StoredMessage) => WatchedEntry<Value>
  /** Returns whether the message is not an entry but the mark of a complete bucket. */
  readonly isMark: (message: StoredMessage) => boolean
}

/**
 * Follows a bucket until stopped. After a lost connection it starts over, so that all present entries are reported
 * again: no change in between is missed (deletions leave a marker), and an entry may be reported twice.
 *
 * A bucket whose store was lost or rolled back has neither its newest entries nor their delete markers. A key that was
 * reported before and no longer exists is reported as deleted once the bucket's owner declares the bucket complete
 * (`Bucket.markComplete`) after the watch started; until then, it may be about to be written again. A mark that is
 * present at the start may be older than the loss and is ignored.
 *
 * @throws NatsError if the watch cannot be started; nothing is left behind
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
  let restarting: Promise<void> | undefined
  let revision = 0
  /** Keys that were reported with a value since the watch was opened. */
  const known = new Set<string>()
  /** The known keys that were not seen since the last start. */
  let unseen = new Set<string>()

  // An entry that cannot be read or handled does not keep later ones from being seen.
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

  /** Reports the known keys that the complete bucket lacks as deleted. */
  const sweep = ({ sequence, storedAtMs }: StoredMessage): void => {
    for (const key of unseen) report(() => ({ key, value: undefined, revision: sequence, storedAtMs }))
  }

  /** Resolves when all present entries have been reported, or when a later start has taken over. */
  const start = async (): Promise<void> => {
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
        restarting = sleep().then(startOver)
        onFault(error)
      },
    })
    if (stopped || mine !== generation) return reader.stop()
    current = reader
    await initialized.promise
  }

  const startOver = async (): Promise<void> => {
    let isFailing = false
    while (!stopped && bus.isConnected()) {
      try {
        return await start()
      } catch (error) {
        // Reported once; it retries until the bucket is available again.
        if (!isFailing) onFault(error)
        isFailing = true
        await sleep()
      }
    }
  }

  const forgetListener = bus.onReconnect(() => {
    restarting = startOver()
  })
  const stop = (): void => {
    stopped = true
    forgetListener()
    endInitialization()
    current?.stop()
  }
  try {
    await start()
  } catch (error) {
    stop()
    throw error
  }
  // If the connection was lost before every entry was reported, the restart reports them.
  await restarting
  return { revision: () => revision, restart: start, stop }
}

function sleep(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, RETRY_MS))
}

const RETRY_MS = 250
