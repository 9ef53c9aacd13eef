import { type StreamDefinition, validate } from '@sluice/contracts'
import type { JsMsg, StoredMsg } from 'nats'
import type { Static, TSchema } from 'typebox'
import type { Bus } from './bus.ts'
import type { RollBack, SeenMessage } from './durable-consumer.ts'
import { openPullSource } from './pull-source.ts'

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
  /**
   * Told of a message that is not of the stream's shape, what is wrong with it in words, and its bytes. Once told, it is dropped: never
   * delivered again, so that it blocks nothing. If this rejects, it is delivered again.
   */
  readonly onMalformed: (
    subject: string,
    streamSequence: number,
    reason: string,
    data: Uint8Array,
  ) => void | Promise<void>
  /** Told when a batch failed, or the stream cannot be read; it goes on after a pause. */
  readonly onFault: (error: unknown) => void
  /**
   * Says whether a message was handled before, for a handler that remembers. It is asked of the last message that was acknowledged, when
   * reading begins: if it was not handled, the stream or the memory was rolled back, and what the stream holds is delivered again.
   */
  readonly wasHandled?: (message: Message) => Promise<boolean>
  /** The stream lost its newest messages, and what it holds is delivered again: handled messages come as `redelivered: false`, too. */
  readonly onRollBack: (rollBack: RollBack) => void
}

export interface Consuming {
  /** Asks for no further message; resolves when those that have come are handled, or given back should one batch fail. */
  stop(): Promise<void>
}

/** Reads a stream from its beginning, each message at least once, as a durable pull consumer. */
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
      // What is malformed was dropped.
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

  const handleBatch = async (messages: JsMsg[]): Promise<void> => {
    const { wellFormed, malformed, batch } = sort(definition.message, messages)
    try {
      for (const { message, reason } of malformed) {
        await options.onMalformed(message.subject, message.seq, reason, message.data)
        source.drop(message)
      }
      if (batch.length > 0) await options.handle(batch)
    } catch (error) {
      // Of no effect on those that are dropped already.
      source.reject(messages, REDELIVERY_MS)
      throw error
    }
    source.acknowledge(wellFormed)
  }

  /** Resolves when the bus is there, or when it is to stop. */
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
        // What waits meanwhile would come a second time once its acknowledgement is overdue.
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

function sort<M extends TSchema>(schema: M, messages: JsMsg[]) {
  const wellFormed: JsMsg[] = []
  const malformed: { readonly message: JsMsg; readonly reason: string }[] = []
  const batch: StreamMessage<Static<M>>[] = []
  for (const message of messages) {
    const decoded = decode(schema, message)
    if (decoded.valid) {
      wellFormed.push(message)
      batch.push({ message: decoded.value, streamSequence: message.seq, redelivered: message.redelivered })
    } else malformed.push({ message, reason: decoded.reason })
  }
  return { wellFormed, malformed, batch }
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
