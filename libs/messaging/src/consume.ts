import { type StreamDefinition, validate } from '@sluice/contracts'
import type { JsMsg, StoredMsg } from 'nats'
import type { Static, TSchema } from 'typebox'
import type { Bus } from './bus.ts'
import type { RollBack, SeenMessage } from './durable-consumer.ts'
import { UnprocessableMessageError } from './errors.ts'
import { openPullSource } from './pull-source.ts'

export interface StreamMessage<Message> {
  readonly message: Message
  /** The message's position in the stream: the same at every delivery. */
  readonly streamSequence: number
  readonly redelivered: boolean
}

/** A message that can never be handled. */
export interface DeadLetter {
  readonly subject: string
  readonly streamSequence: number
  readonly reason: string
  readonly data: Uint8Array
}

export interface ConsumeOptions<Message> {
  /** Consumers with the same durable name share its messages; its position in the stream outlives them. */
  readonly durable: string
  /** The maximum number of messages in a batch. */
  readonly batchMessages: number
  /**
   * Handles a batch. Its messages are acknowledged when it resolves, and delivered again when it rejects. When it rejects with an
   * `UnprocessableMessageError`, it is called again with parts of the batch until the message at fault is found, so that the others are
   * handled at once. It must be atomic or idempotent.
   */
  readonly handle: (messages: StreamMessage<Message>[]) => Promise<void>
  /**
   * Keeps a message that does not match the stream's schema, or that `handle` rejects with an `UnprocessableMessageError`. Once this
   * resolves, the message is not delivered again. If it rejects, only this message is delivered again.
   */
  readonly storeDeadLetter: (letter: DeadLetter) => Promise<void>
  /** Called when a batch failed, a dead letter could not be stored, or the stream cannot be read; consuming resumes after a pause. */
  readonly onFault: (error: unknown) => void
  /**
   * Returns whether a message was handled before, for a handler that remembers. It is asked about the last acknowledged message when
   * reading starts: if that was not handled, the stream or the memory was rolled back, and all messages in the stream are delivered again.
   */
  readonly wasHandled?: (message: Message) => Promise<boolean>
  /** Called when the stream lost its newest messages and all others are delivered again: handled ones arrive as `redelivered: false`, too. */
  readonly onRollBack: (rollBack: RollBack) => void
}

export interface Consuming {
  /** Requests no further messages; resolves when the messages that arrived are handled, or given back if a batch fails. */
  stop(): Promise<void>
}

/**
 * Reads a stream from its beginning, each message at least once, as a durable pull consumer. A message that can never be handled does not
 * block others: it becomes a dead letter.
 */
export async function consume<A extends readonly string[], M extends TSchema>(
  bus: Bus,
  definition: StreamDefinition<A, M>,
  options: ConsumeOptions<Static<M>>,
): Promise<Consuming> {
  const { durable, batchMessages } = options
  const wasHandled =
    options.wasHandled &&
    (async (stored: StoredMsg): Promise<boolean> => {
      const decoded = decode(definition.message, stored)
      // A malformed message became a dead letter.
      return !decoded.valid || (await options.wasHandled?.(decoded.value)) !== false
    })
  const open = (seen: SeenMessage | undefined) =>
    openPullSource(bus, {
      stream: definition.name,
      durable,
      batchMessages,
      known: { seen, wasHandled },
      onRollBack: options.onRollBack,
    })
  let stopped = false
  let wake: () => void = () => undefined
  let source = await open(undefined)

  const deadLetter = async (message: JsMsg, reason: string): Promise<void> => {
    const { subject, seq: streamSequence, data } = message
    try {
      await options.storeDeadLetter({ subject, streamSequence, reason, data })
      source.drop(message)
    } catch (error) {
      source.reject([message], REDELIVERY_MS)
      options.onFault(error)
    }
  }

  const handle = async (deliveries: readonly Delivery<Static<M>>[]): Promise<void> => {
    const [first] = deliveries
    if (first === undefined) return
    try {
      await options.handle(deliveries.map(({ streamMessage }) => streamMessage))
    } catch (error) {
      if (!(error instanceof UnprocessableMessageError)) throw error
      if (deliveries.length === 1) return deadLetter(first.source, reasonOf(error))
      const middle = Math.ceil(deliveries.length / 2)
      await handle(deliveries.slice(0, middle))
      return handle(deliveries.slice(middle))
    }
    source.acknowledge(deliveries.map((delivery) => delivery.source))
  }

  const handleBatch = async (messages: JsMsg[]): Promise<void> => {
    const deliveries: Delivery<Static<M>>[] = []
    for (const message of messages) {
      const decoded = decode(definition.message, message)
      if (!decoded.valid) {
        await deadLetter(message, decoded.reason)
        continue
      }
      const { seq: streamSequence, redelivered } = message
      deliveries.push({ source: message, streamMessage: { message: decoded.value, streamSequence, redelivered } })
    }
    try {
      await handle(deliveries)
    } catch (error) {
      // No effect on messages that are acknowledged or dropped already.
      source.reject(messages, REDELIVERY_MS)
      throw error
    }
  }

  /** Resolves when the bus is connected, or when consuming is stopped. */
  const connected = async (): Promise<void> => {
    while (!stopped && !bus.isConnected()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      wake = resolve
      const forgetListener = bus.onReconnect(resolve)
      await promise
      forgetListener()
    }
  }

  const run = async (): Promise<void> => {
    while (!(stopped && source.exhausted)) {
      try {
        if (source.exhausted) {
          await connected()
          if (stopped) break
          source = await open(source.seen)
        }
        if (stopped) source.close()
        await handleBatch(await source.take())
      } catch (error) {
        options.onFault(error)
        // Messages that wait during the pause would be delivered again once their acknowledgment is overdue.
        source.giveBack(REDELIVERY_MS)
        if (!stopped) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
      }
    }
  }

  const running = run()
  return {
    stop: async () => {
      stopped = true
      wake()
      source.close()
      await running
    },
  }
}

/** A message as the handler gets it, and as it is acknowledged. */
interface Delivery<Message> {
  readonly source: JsMsg
  readonly streamMessage: StreamMessage<Message>
}

function reasonOf({ message, cause }: UnprocessableMessageError): string {
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}

type Decoded<M extends TSchema> = { valid: true; value: Static<M> } | { valid: false; reason: string }

function decode<M extends TSchema>(schema: M, message: Pick<JsMsg, 'json'>): Decoded<M> {
  let json: unknown
  try {
    json = message.json()
  } catch {
    return { valid: false, reason: 'the message is not JSON' }
  }
  const validation = validate(schema, json)
  if (validation.valid) return validation
  const reasons = validation.errors.map(({ field, message: what }) => `${field || 'the message'} ${what}`)
  return { valid: false, reason: reasons.join('; ') }
}

const REDELIVERY_MS = 500
const PAUSE_MS = 500
