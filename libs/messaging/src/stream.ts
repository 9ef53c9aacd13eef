import { isDeepStrictEqual } from 'node:util'
import { type StreamDefinition, subjectPattern } from '@sluice/contracts'
import { DiscardPolicy, nanos, RetentionPolicy, StorageType, type StreamConfig, type StreamInfo } from 'nats'
import type { Static, TSchema } from 'typebox'
import type { Bus } from './bus.ts'
import { NoRoomError } from './errors.ts'
import { isNameInUse, isNotPermitted, isStreamNotFound, withRoomFor } from './jetstream-errors.ts'
import { publishToJetStream } from './jetstream-publish.ts'

type Definition = StreamDefinition<readonly string[], TSchema>

/**
 * Creates the definition's stream, or updates its settings to the definition's: for the service that owns the stream.
 * If this user may do neither, waits until another service has created the stream, and uses it as it is.
 * @throws NoRoomError when there is no such stream, and the server cannot reserve its size
 */
export async function ensureStream(bus: Bus, definition: Definition): Promise<void> {
  const settings = settingsOf(bus, definition)
  const stream = await findStream(bus, definition.name)
  if (stream !== undefined && isSubset(settings, stream.config)) return
  if (stream === undefined) return ifPermitted(bus, definition, () => addStream(bus, definition.name, settings))
  try {
    await ifPermitted(bus, definition, () => bus.jetstreamManager.streams.update(definition.name, settings))
  } catch (error) {
    // A server that is short of room refuses even a smaller reservation. The stream exists and takes messages.
    if (!(error instanceof NoRoomError)) throw error
  }
}

/**
 * Creates the definition's stream unless it exists, and leaves an existing one unchanged: for services that do not own
 * the stream and may start before its owner. If this user may not create it, waits until another service has.
 * @throws NoRoomError when the server cannot reserve the stream's size
 */
export async function createStream(bus: Bus, definition: Definition): Promise<void> {
  if ((await findStream(bus, definition.name)) !== undefined) return
  await ifPermitted(bus, definition, () => addStream(bus, definition.name, settingsOf(bus, definition)))
}

/** Waits, without limit, until the definition's stream exists. */
export async function awaitStream(bus: Bus, { name }: Definition): Promise<void> {
  await untilStreamExists(bus, name)
}

/**
 * Stores a message in the stream. A second message with the same id within the stream's duplicate window is not stored.
 * @throws SluiceError `unavailable` when the message may not be stored: publish it again with the same id
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

/** Returns the stream's settings and state; undefined if it does not exist. */
export async function findStream(bus: Bus, name: string): Promise<StreamInfo | undefined> {
  try {
    return await bus.jetstreamManager.streams.info(name)
  } catch (error) {
    if (isStreamNotFound(error)) return undefined
    throw error
  }
}

/** Waits, without limit, for a stream that only another service may create. */
export async function untilStreamExists(bus: Bus, name: string): Promise<void> {
  while ((await findStream(bus, name)) === undefined) await new Promise((resolve) => setTimeout(resolve, POLL_MS))
}

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

async function ifPermitted(bus: Bus, { name }: Definition, change: () => Promise<unknown>): Promise<void> {
  try {
    await withRoomFor(`the stream ${name}`, change)
  } catch (error) {
    if (!isNotPermitted(error)) throw error
    await untilStreamExists(bus, name)
  }
}

async function addStream(bus: Bus, name: string, settings: Partial<StreamConfig>): Promise<void> {
  const streams = bus.jetstreamManager.streams
  try {
    await streams.add({ name, storage: StorageType.File, retention: RetentionPolicy.Limits, ...settings })
  } catch (error) {
    // Another process has just created it, with other settings.
    if (!isNameInUse(error)) throw error
    await streams.update(name, settings)
  }
}

function isSubset(settings: Partial<StreamConfig>, config: StreamConfig): boolean {
  return isDeepStrictEqual({ ...config, ...settings }, config)
}

const POLL_MS = 100
