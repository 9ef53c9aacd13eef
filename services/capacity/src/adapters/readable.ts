import { SluiceError } from '@sluice/contracts'
import { type Bucket, UnreadableEntryError } from '@sluice/messaging'

export type ReadableBucket<Value> = Pick<Bucket<Value>, 'put' | 'get'>

/**
 * Writes a key and reads it again, `times` in a row. Returns the first revision that could not be read, or undefined where all could.
 *
 * nats-server before 2.10 keeps a stream's index in a file of its own. A power cut that takes more of the messages than of the index
 * leaves one that is ahead: it calls what is stored next deleted already, until as much was stored as had been lost. Several in a row,
 * since the index knows of single messages among those that are lost.
 */
export async function unreadableAt<Value>(
  bucket: ReadableBucket<Value>,
  key: string,
  value: Value,
  times = 3,
): Promise<number | undefined> {
  for (let attempt = 1; attempt <= times; attempt++) {
    const revision = await bucket.put(key, value)
    if ((await revisionAt(bucket, key)) < revision) return revision
  }
  return undefined
}

/** What somebody else wrote there since can be read as well, be it of the bucket's shape or not. */
async function revisionAt<Value>(bucket: ReadableBucket<Value>, key: string): Promise<number> {
  try {
    return (await bucket.get(key)).revision
  } catch (error) {
    if (error instanceof UnreadableEntryError) return error.revision
    throw error
  }
}

/**
 * Makes sure that what the bucket stores can be read, and clears it where it cannot. Clears only what was there when it looked: what
 * another instance has stored after doing the same stays.
 *
 * @param beforeClearing is done first where it has to be cleared
 * @returns whether it was cleared
 * @throws SluiceError `unavailable` where it cannot be read even then
 */
export async function makeReadable<Value>(
  bucket: ReadableBucket<Value> & Pick<Bucket<Value>, 'clear'>,
  key: string,
  value: Value,
  beforeClearing: () => Promise<void> = async () => undefined,
): Promise<boolean> {
  const revision = await unreadableAt(bucket, key, value)
  if (revision === undefined) return false
  await beforeClearing()
  await bucket.clear(revision)
  if ((await unreadableAt(bucket, key, value)) !== undefined) {
    throw new SluiceError('unavailable', 'NATS does not give back what it stores, not even after it was cleared')
  }
  return true
}
