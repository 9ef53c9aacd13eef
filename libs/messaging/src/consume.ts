import type { StreamDefinition } from '@sluice/contracts'
import type { StoredMsg } from 'nats'
import type { Static, TSchema } from 'typebox'
import { type BatchHandlerOptions, createBatchHandler, decodeMessage, REDELIVERY_MS } from './batch-handler.ts'
import type { Bus } from './bus.ts'
import type { RollBack, SeenMessage } from './durable-consumer.ts'
import { openPullSource } from './pull-source.ts'

export interface ConsumeOptions<Message> extends BatchHandlerOptions<Message> {
  /** Consumers with the same durable name share its messages; its position in the stream outlives them. */
  readonly durable: string
  /** The maximum number of messages in a batch. */
  readonly batchMessages: number
  /**
   * Returns whether a message was handled before, for a handler that remembers. It is called with the last
   * acknowledged message when reading starts: if that was not handled, the stream or the memory was rolled back, and
   * all messages in the stream are delivered again.
   */
  readonly wasHandled?: (message: Message) => Promise<boolean>
  /**
   * Called when the stream lost its newest messages and all others are delivered again: handled ones arrive as
   * `redelivered: false`, too.
   */
  readonly onRollBack: (rollBack: RollBack) => void
}

export interface Consuming {
  /**
   * Requests no further messages; resolves when the messages that arrived are handled, or given back if a batch fails.
   */
  stop(): Promise<void>
}

/**
 * Reads a stream from its beginning, each message at least once, as a durable pull consumer. A message that can never
 * be handled does not block others: it becomes a dead letter.
 */
export async function consume<A extends readonly string[], M extends TSchema>(
  bus: Bus,
  definition: StreamDefinition<A, M>,
  options: ConsumeOptions<Static<M>>,
): Promise<Consuming> {
  const { durable, batchMessages } = options
  const { wasHandled } = options
  const wasStoredHandled =
    wasHandled &&
    (async (stored: StoredMsg): Promise<boolean> => {
      const decoded = decodeMessage(definition.message, stored)
      // A malformed message became a dead letter.
      return !decoded.valid || wasHandled(decoded.value)
    })
  const open = (seen: SeenMessage | undefined) =>
    openPullSource(bus, {
      stream: definition.name,
      durable,
      batchMessages,
      known: { seen, wasHandled: wasStoredHandled },
      onRollBack: options.onRollBack,
    })
  let stopped = false
  let wake: () => void = () => undefined
  let source = await open(undefined)
  const handleBatch = createBatchHandler(definition, options)

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
        await handleBatch(await source.take(), source)
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

const PAUSE_MS = 500
