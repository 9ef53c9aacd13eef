import { randomBytes } from 'node:crypto'
import { type BucketDefinition, SluiceError } from '@sluice/contracts'
import { DiscardPolicy, nanos, StorageType } from 'nats'
import type { Bus } from './bus.ts'
import { findStream, isNameInUse } from './made-by-owner.ts'

/** Where a bucket's keys are. */
export interface BucketPlace {
  /** What the subject of every key begins with, a dot at its end. */
  prefix(): Promise<string>
  /** Nobody takes what is published there: the bucket may have been made again elsewhere. */
  doubt(): void
}

export function publicPlace({ name }: BucketDefinition): BucketPlace {
  const prefix = `$KV.${name}.`
  return { prefix: async () => prefix, doubt: () => undefined }
}

/**
 * A private bucket's keys stand below a token that is in the subjects of its stream, so that what is published anywhere else is not stored.
 * It was made with the stream, and nobody but the operator changes a stream's settings; it is read again after a lost connection, as the
 * store may be another then.
 * @throws SluiceError `internal` where the bucket was made by somebody who gave it no token, `unavailable` where there is none
 */
export async function privatePlace(bus: Bus, definition: BucketDefinition): Promise<BucketPlace> {
  let known: string | undefined
  const prefix = async (): Promise<string> => {
    known ??= await readPrefix(bus, definition)
    return known
  }
  const doubt = (): void => {
    known = undefined
  }
  await prefix()
  bus.onReconnect(doubt)
  return { prefix, doubt }
}

async function readPrefix(bus: Bus, { name }: BucketDefinition): Promise<string> {
  const stream = await findStream(bus, `KV_${name}`)
  if (stream === undefined) throw new SluiceError('unavailable', `the bucket ${name} is gone`)
  const token = /^\$KV\.[\w-]+\.([0-9a-f]{32})\.\*$/.exec(stream.config.subjects[0] ?? '')?.[1]
  if (token !== undefined) return `$KV.${name}.${token}.`
  throw new SluiceError('internal', `the bucket ${name} has no token in its subjects: it was not made by Sluice`)
}

/** Makes the stream of a private bucket if it is not there, with a token of its own. */
export async function createPrivate(bus: Bus, { name, expiryMs }: BucketDefinition): Promise<void> {
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
    // Another instance has just made it, with another token.
    if (!isNameInUse(error)) throw error
  }
}
