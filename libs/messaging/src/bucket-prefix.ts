import { randomBytes } from 'node:crypto'
import { type BucketDefinition, SluiceError } from '@sluice/contracts'
import { DiscardPolicy, nanos, StorageType } from 'nats'
import type { Bus } from './bus.ts'
import { isNameInUse } from './jetstream-errors.ts'
import { findStream } from './stream.ts'

/** The subject prefix of a bucket's keys. */
export interface BucketPrefix {
  /** Returns the prefix, with a dot at its end. */
  get(): Promise<string>
  /**
   * Discards a remembered prefix: no stream takes what is published below it, so the bucket may have been created
   * again.
   */
  invalidate(): void
}

export function publicPrefix({ name }: BucketDefinition): BucketPrefix {
  const prefix = `$KV.${name}.`
  return { get: async () => prefix, invalidate: () => undefined }
}

/**
 * Returns the prefix of a private bucket. It contains a random token from the stream's subjects, so that a message
 * published on the bucket's public subjects is not stored. The token is created with the stream and never changes, but
 * after a reconnect the store may be another, so it is read again.
 * @throws SluiceError `internal` if the bucket has no token, `unavailable` if there is no bucket
 */
export async function privatePrefix(bus: Bus, definition: BucketDefinition): Promise<BucketPrefix> {
  let known: string | undefined
  const get = async (): Promise<string> => {
    known ??= await readPrefix(bus, definition)
    return known
  }
  const invalidate = (): void => {
    known = undefined
  }
  await get()
  bus.onReconnect(invalidate)
  return { get, invalidate }
}

async function readPrefix(bus: Bus, { name }: BucketDefinition): Promise<string> {
  const stream = await findStream(bus, `KV_${name}`)
  if (stream === undefined) throw new SluiceError('unavailable', `The bucket ${name} no longer exists.`)
  const [subject] = stream.config.subjects
  const token = subject === undefined ? undefined : /^\$KV\.[\w-]+\.([0-9a-f]{32})\.\*$/.exec(subject)?.[1]
  if (token !== undefined) return `$KV.${name}.${token}.`
  throw new SluiceError('internal', `The bucket ${name} has no token in its subjects: Sluice did not create it.`)
}

/** Creates the stream of a private bucket, with a new token, unless it exists. */
export async function createPrivateBucket(bus: Bus, { name, expiryMs }: BucketDefinition): Promise<void> {
  if ((await findStream(bus, `KV_${name}`)) !== undefined) return
  try {
    await bus.jetstreamManager.streams.add({
      name: `KV_${name}`,
      subjects: [`$KV.${name}.${randomBytes(16).toString('hex')}.*`],
      max_msgs_per_subject: 1,
      discard: DiscardPolicy.New,
      storage: StorageType.File,
      num_replicas: bus.replicas,
      ...(expiryMs === undefined ? {} : { max_age: nanos(expiryMs) }),
    })
  } catch (error) {
    // Another instance has just created it, with another token.
    if (!isNameInUse(error)) throw error
  }
}
