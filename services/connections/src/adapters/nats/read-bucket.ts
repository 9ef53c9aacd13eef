import { SluiceError } from '@sluice/contracts'
import type { Bucket } from '@sluice/messaging'

export interface StoredEntry {
  /** Undefined when there is none. */
  readonly value: unknown
  /** 0 when the key was never written. */
  readonly revision: number
}

/** A key as it stands. What stands there and is not of the bucket's shape is removed first: it is of use to nobody. */
export async function readEntry<Value>(bucket: Bucket<Value>, key: string): Promise<StoredEntry> {
  try {
    return await bucket.get(key)
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    await bucket.delete(key)
    return bucket.get(key)
  }
}

/**
 * Every key as it stands, those aside that are not of the bucket's shape.
 * @throws SluiceError `unavailable` when the bucket cannot be read within 10 seconds
 */
export async function readAll<Value>(bucket: Bucket<Value>): Promise<Map<string, StoredEntry>> {
  const entries = new Map<string, StoredEntry>()
  const watching = bucket.watch({
    onEntry: ({ key, value, revision }) => entries.set(key, { value, revision }),
    onFault: () => undefined, // Of an entry that cannot be read: it counts as not there, and `readEntry` sees to it.
  })
  const stopped = watching.then((watch) => watch.stop())
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new SluiceError('unavailable', 'The message bus does not answer.')),
    READ_TIMEOUT_MS,
  )
  try {
    // A watch that loses the connection while it begins would wait for ever.
    await Promise.race([stopped, late.promise])
  } finally {
    clearTimeout(timer)
  }
  return entries
}

const READ_TIMEOUT_MS = 10_000
