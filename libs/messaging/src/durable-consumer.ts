import { AckPolicy, type ConsumerInfo, DeliverPolicy, nanos, type StoredMsg } from 'nats'
import type { Bus } from './bus.ts'
import { isNotFound } from './jetstream-errors.ts'

export interface DurableConsumer {
  readonly stream: string
  readonly durable: string
  /** The time without a sign of progress on a delivered message after which the server delivers it again. */
  readonly ackWaitMs: number
  /** The maximum of messages that are delivered and not acknowledged, over all processes that share the durable. */
  readonly maxAckPending: number
}

/** The newest message of a stream that this process has received: its position, and when the server stored it. */
export interface SeenMessage {
  readonly sequence: number
  readonly storedAtMs: number
}

/** Facts by which a message in the stream is recognized as the one that was at its position before. */
export interface KnownMessages {
  /** Absent if this process has received nothing yet. */
  readonly seen: SeenMessage | undefined
  /**
   * Returns whether this message, up to which all were acknowledged, was handled. Called if this process has received
   * nothing yet.
   */
  readonly wasHandled: ((message: StoredMsg) => Promise<boolean>) | undefined
}

/** A consumer's position compared with its stream, after the stream lost its newest messages. */
export interface RollBack {
  readonly stream: string
  readonly durable: string
  /** The last message that the consumer, or this process, has seen. */
  readonly seenSequence: number
  /**
   * The last message of the stream. It may be beyond what was seen: then others were stored in place of those that are
   * lost.
   */
  readonly lastSequence: number
}

/**
 * Creates the durable consumer if there is none, at the stream's beginning. Creates it again if its stream was rolled
 * back: a server that lost power may have written the consumer's position to the disk and not the newest messages, and
 * then silently skips as many new ones. All messages in the stream are delivered again then.
 *
 * Call it before anything is requested from the consumer on a connection: a delivery from a wrong position hides that
 * it is wrong.
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
  // Read first: in a stream that only grows, its position is then never beyond the last message.
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

/** Returns true when the message was the oldest, and has been removed for its age or the stream's size by now. */
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
