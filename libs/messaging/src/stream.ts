import { isDeepStrictEqual } from 'node:util'
import { type StreamDefinition, subjectPattern } from '@sluice/contracts'
import { DiscardPolicy, NatsError, nanos, RetentionPolicy, StorageType, type StreamConfig } from 'nats'
import type { Static, TSchema } from 'typebox'
import type { Bus } from './bus.ts'
import { publishToJetStream } from './jetstream-publish.ts'
import { findStream, isNotPermitted, untilOwnerMadeIt } from './made-by-owner.ts'

/**
 * Creates the definition's stream, or brings its settings to the definition's. Where this user may do neither, the stream is another
 * service's: waits until that has created it, and takes it as it is.
 */
export async function ensureStream(bus: Bus, definition: StreamDefinition<readonly string[], TSchema>): Promise<void> {
  const settings = {
    subjects: [subjectPattern(definition.subject)],
    max_age: nanos(definition.maxAgeMs),
    max_bytes: definition.maxBytes,
    duplicate_window: nanos(definition.duplicateWindowMs),
    num_replicas: bus.replicas,
    discard: DiscardPolicy.Old,
  }
  const stream = await findStream(bus, definition.name)
  if (stream !== undefined && isSubset(settings, stream.config)) return
  try {
    await (stream === undefined
      ? addStream(bus, definition.name, settings)
      : bus.jetstreamManager.streams.update(definition.name, settings))
  } catch (error) {
    if (!isNotPermitted(error)) throw error
    await untilOwnerMadeIt(bus, definition.name)
  }
}

/** Waits for as long as it takes until the service that makes the definition's stream has made it. */
export async function awaitStream(bus: Bus, { name }: StreamDefinition<readonly string[], TSchema>): Promise<void> {
  await untilOwnerMadeIt(bus, name)
}

/**
 * Stores a message in the stream. A second message with the same id within the stream's duplicate window is not stored.
 * @throws SluiceError `unavailable` when it is not known to be stored: publish it again with the same id
 */
export async function publishToStream<A extends readonly string[], M extends TSchema>(
  bus: Bus,
  definition: StreamDefinition<A, M>,
  identifiers: A,
  message: Static<M>,
  messageId: string,
): Promise<void> {
  await publishToJetStream(bus, definition.subject(...identifiers), JSON.stringify(message), {
    'Nats-Msg-Id': messageId,
  })
}

async function addStream(bus: Bus, name: string, settings: Partial<StreamConfig>): Promise<void> {
  const streams = bus.jetstreamManager.streams
  try {
    await streams.add({ name, storage: StorageType.File, retention: RetentionPolicy.Limits, ...settings })
  } catch (error) {
    // Another has just created it, with other settings.
    if (!(error instanceof NatsError) || error.api_error?.err_code !== NAME_IN_USE) throw error
    await streams.update(name, settings)
  }
}

function isSubset(settings: Partial<StreamConfig>, config: StreamConfig): boolean {
  return isDeepStrictEqual({ ...config, ...settings }, config)
}

/** JetStream's error for a stream that exists with other settings. */
const NAME_IN_USE = 10_058
