import { type StreamDefinition, validate } from '@sluice/contracts'
import { AckPolicy, type Consumer, DeliverPolicy, type JsMsg, nanos } from 'nats'
import type { Static, TSchema } from 'typebox'
import type { Bus } from './bus.ts'

export interface StreamMessage<Message> {
  readonly message: Message
  /** The message's place in the stream: the same at every delivery. */
  readonly streamSequence: number
  readonly redelivered: boolean
}

export interface ConsumeOptions<Message> {
  /** Consumers of one durable name share its messages; its place in the stream outlives them all. */
  readonly durable: string
  /** At most so many messages in one batch. */
  readonly batchMessages: number
  /** Handles a batch. Its messages are acknowledged when it resolves, and delivered again when it rejects. */
  readonly handle: (messages: StreamMessage<Message>[]) => Promise<void>
  /** Told of a message that is not of the stream's shape. It is never delivered again, so that it blocks nothing. */
  readonly onMalformed: (subject: string, streamSequence: number, reason: unknown) => void
  /** Told when a batch failed, or the stream cannot be read; it goes on after a pause. */
  readonly onFault: (error: unknown) => void
}

export interface Consuming {
  /** Takes no further batch; resolves when the one at hand is handled. */
  stop(): Promise<void>
}

/** Reads a stream from its beginning, each message at least once, as a durable pull consumer. */
export async function consume<A extends readonly string[], M extends TSchema>(
  bus: Bus,
  definition: StreamDefinition<A, M>,
  options: ConsumeOptions<Static<M>>,
): Promise<Consuming> {
  let stopped = false
  let consumer = await durableConsumer(bus, definition.name, options)

  const handleBatch = async (messages: JsMsg[]): Promise<void> => {
    const { wellFormed, batch } = sort(definition.message, messages, options)
    if (batch.length === 0) return
    try {
      await options.handle(batch)
    } catch (error) {
      for (const message of wellFormed) message.nak(REDELIVERY_MS)
      throw error
    }
    for (const message of wellFormed) message.ack()
  }

  const run = async (): Promise<void> => {
    while (!stopped) {
      try {
        await handleBatch(await fetchBatch(consumer, options.batchMessages))
      } catch (error) {
        if (stopped) return
        options.onFault(error)
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
        consumer = await durableConsumer(bus, definition.name, options).catch(() => consumer)
      }
    }
  }

  const running = run()
  return {
    stop: async () => {
      stopped = true
      await running
    },
  }
}

async function fetchBatch(consumer: Consumer, batchMessages: number): Promise<JsMsg[]> {
  const messages: JsMsg[] = []
  for await (const message of await consumer.fetch({ max_messages: batchMessages, expires: FETCH_MS })) {
    messages.push(message)
    // Waiting for a full batch would hold up the first message: what has come by now is the batch.
    if (message.info.pending === 0) break
  }
  return messages
}

function sort<M extends TSchema>(schema: M, messages: JsMsg[], options: ConsumeOptions<Static<M>>) {
  const wellFormed: JsMsg[] = []
  const batch: StreamMessage<Static<M>>[] = []
  for (const message of messages) {
    const decoded = decode(schema, message)
    if (decoded.valid) {
      wellFormed.push(message)
      batch.push({ message: decoded.value, streamSequence: message.seq, redelivered: message.redelivered })
    } else {
      options.onMalformed(message.subject, message.seq, decoded.errors)
      message.term()
    }
  }
  return { wellFormed, batch }
}

function decode<M extends TSchema>(schema: M, message: JsMsg) {
  try {
    return validate(schema, message.json())
  } catch (error) {
    return { valid: false as const, errors: error }
  }
}

async function durableConsumer(
  bus: Bus,
  stream: string,
  options: { durable: string; batchMessages: number },
): Promise<Consumer> {
  await bus.jetstreamManager.consumers.add(stream, {
    durable_name: options.durable,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(30_000),
    deliver_policy: DeliverPolicy.All,
    max_ack_pending: options.batchMessages * 4,
  })
  return bus.jetstream.consumers.get(stream, options.durable)
}

/** How long one fetch waits for a first message: also how long stopping may take. */
const FETCH_MS = 1_000
const REDELIVERY_MS = 500
const PAUSE_MS = 500
