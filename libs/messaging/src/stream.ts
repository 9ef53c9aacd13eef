import { isDeepStrictEqual } from 'node:util'
import { type StreamDefinition, subjectPattern } from '@sluice/contracts'
import { DiscardPolicy, nanos, RetentionPolicy, StorageType, type StreamConfig } from 'nats'
import type { Static, TSchema } from 'typebox'
import type { Bus } from './bus.ts'
import { NoRoomError } from './faults.ts'
import { publishToJetStream } from './jetstream-publish.ts'
import { findStream, isNameInUse, isNotPermitted, untilOwnerMadeIt } from './made-by-owner.ts'
import { withRoomFor } from './no-room.ts'

/**
 * Creates the definition's stream, or brings its settings to the definition's: for the service that owns it. Where this user may do
 * neither, waits until another has created it, and takes it as it is.
 * @throws NoRoomError when there is no such stream, and the server cannot reserve its size
 */
export async function ensureStream(bus: Bus, definition: Definition): Promise<void> {
  const settings = settingsOf(bus, definition)
  const stream = await findStream(bus, definition.name)
  if (stream !== undefined && isSubset(settings, stream.config)) return
  if (stream === undefined) return unlessAnothers(bus, definition, () => addStream(bus, definition.name, settings))
  try {
    await unlessAnothers(bus, definition, () => bus.jetstreamManager.streams.update(definition.name, settings))
  } catch (error) {
    // A server that is short of room for what is reserved refuses a smaller size, too. The stream is there and takes messages.
    if (!(error instanceof NoRoomError)) throw error
  }
}

/**
 * Creates the definition's stream if it is not there, and takes one that is as it is: for services that do not own it and can begin before
 * its owner. Where this user may not create it, waits until another has.
 * @throws NoRoomError when the server cannot reserve the stream's size
 */
export async function createStream(bus: Bus, definition: Definition): Promise<void> {
  if ((await findStream(bus, definition.name)) !== undefined) return
  await unlessAnothers(bus, definition, () => addStream(bus, definition.name, settingsOf(bus, definition)))
}

type Definition = StreamDefinition<readonly string[], TSchema>

function settingsOf(bus: Bus, definition: Definition): Partial<StreamConfig> {
  return {
    subjects: [subjectPattern(definition.subject)],
    max_age: nanos(definition.maxAgeMs),
    max_bytes: definition.maxBytes,
    duplicate_window: nanos(definition.duplicateWindowMs),
    num_replicas: bus.replicas,
    discard: DiscardPolicy.Old,
  }
}

async function unlessAnothers(bus: Bus, { name }: Definition, make: () => Promise<unknown>): Promise<void> {
  try {
    await withRoomFor(`the stream ${name}`, make)
  } catch (error) {
    if (!isNotPermitted(error)) throw error
    await untilOwnerMadeIt(bus, name)
  }
}

/** Waits for as long as it takes until the service that makes the definition's stream has made it. */
export async function awaitStream(bus: Bus, { name }: Definition): Promise<void> {
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
    if (!isNameInUse(error)) throw error
    await streams.update(name, settings)
  }
}

function isSubset(settings: Partial<StreamConfig>, config: StreamConfig): boolean {
  return isDeepStrictEqual({ ...config, ...settings }, config)
}
