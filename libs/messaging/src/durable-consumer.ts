import { AckPolicy, type ConsumerInfo, DeliverPolicy, nanos, type StoredMsg } from 'nats'
import type { Bus } from './bus.ts'
import { isNotFound } from './jetstream-errors.ts'

export interface DurableConsumer {
  readonly stream: string
  readonly durable: string
  /** How long the server waits for a sign that a delivered message is being handled, before it delivers it again. */
  readonly ackWaitMs: number
  /** At most so many messages are delivered and not acknowledged, over all who share the durable. */
  readonly maxAckPending: number
}

/** The newest message of a stream that this process was given: its place, and when the server stored it. */
export interface SeenMessage {
  readonly sequence: number
  readonly storedAtMs: number
}

/** What tells whether a message that stands in the stream is the one that stood there before. */
export interface KnownMessages {
  /** Absent where this process was given nothing yet. */
  readonly seen: SeenMessage | undefined
  /** Whether this message, up to which all were acknowledged, was handled: asked where nothing was seen. */
  readonly wasHandled: ((message: StoredMsg) => Promise<boolean>) | undefined
}

/** How far a consumer's place is from what its stream holds, after the stream lost its newest messages. */
export interface RollBack {
  readonly stream: string
  readonly durable: string
  /** The last message that the consumer, or this process, has seen. */
  readonly seenSequence: number
  /** The last message of the stream. It may be beyond what was seen: then others were stored in place of those that are lost. */
  readonly lastSequence: number
}

/**
 * Creates the durable consumer if there is none, at the stream's beginning. Creates it again if its stream was rolled back: a server that
 * lost power may have written the consumer's place to the disk and not the newest messages, and then skips as many new ones without a
 * word. What the stream still holds is delivered again then.
 *
 * Call it before anything is asked of the consumer on a connection: what is delivered from a wrong place hides that it is wrong.
 *
 * @returns the roll-back that was found; undefined when there was none
 */
export async function ensureConsumer(
  bus: Bus,
  consumer: DurableConsumer,
  known: KnownMessages,
): Promise<RollBack | undefined> {
  const { stream, durable } = consumer
  const consumers = bus.jetstreamManager.consumers
  // Looked at first: in a stream that only grows, its place is then never beyond the last message.
  const standing = await findConsumer(bus, consumer)
  const rollBack = standing && (await findRollBack(bus, consumer, standing, known))
  if (rollBack !== undefined) await removeConsumer(bus, consumer)
  await consumers.add(stream, {
    durable_name: durable,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(consumer.ackWaitMs),
    deliver_policy: DeliverPolicy.All,
    max_ack_pending: consumer.maxAckPending,
  })
  return rollBack
}

async function findRollBack(
  bus: Bus,
  { stream, durable }: DurableConsumer,
  { delivered, ack_floor: acknowledged }: ConsumerInfo,
  { seen, wasHandled }: KnownMessages,
): Promise<RollBack | undefined> {
  const { state } = await bus.jetstreamManager.streams.info(stream)
  const lastSequence = state.last_seq
  const seenSequence = Math.max(delivered.stream_seq, acknowledged.stream_seq, seen?.sequence ?? 0)
  if (seenSequence > lastSequence) return { stream, durable, seenSequence, lastSequence }
  // New messages may have filled the gap by now. Then another message stands where the last one that was seen stood.
  const known = seen?.sequence ?? acknowledged.stream_seq
  if (known === 0 || known < state.first_seq) return undefined
  const stored = await findMessage(bus, stream, known)
  const isAsKnown =
    seen === undefined
      ? stored === undefined || wasHandled === undefined || (await wasHandled(stored))
      : stored !== undefined && Math.abs(stored.time.getTime() - seen.storedAtMs) <= ROUNDING_MS
  if (isAsKnown || (await hasLeft(bus, stream, known))) return undefined
  return { stream, durable, seenSequence: known, lastSequence }
}

async function findMessage(bus: Bus, stream: string, sequence: number): Promise<StoredMsg | undefined> {
  try {
    return await bus.jetstreamManager.streams.getMessage(stream, { seq: sequence })
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** True when the message was the oldest, and has left the stream for its age or its size by now. */
async function hasLeft(bus: Bus, stream: string, sequence: number): Promise<boolean> {
  return (await bus.jetstreamManager.streams.info(stream)).state.first_seq > sequence
}

async function findConsumer(bus: Bus, { stream, durable }: DurableConsumer): Promise<ConsumerInfo | undefined> {
  try {
    return await bus.jetstreamManager.consumers.info(stream, durable)
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

async function removeConsumer(bus: Bus, { stream, durable }: DurableConsumer): Promise<void> {
  try {
    await bus.jetstreamManager.consumers.delete(stream, durable)
  } catch (error) {
    // Another instance found the same and was quicker.
    if (!isNotFound(error)) throw error
  }
}

/** Nanoseconds do not fit a number, and a stored message's time is read in whole milliseconds. */
const ROUNDING_MS = 2
