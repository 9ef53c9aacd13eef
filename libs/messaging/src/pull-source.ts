import type { JsMsg } from 'nats'
import type { Bus } from './bus.ts'
import {
  type DurableConsumer,
  ensureConsumer,
  type KnownMessages,
  type RollBack,
  type SeenMessage,
} from './durable-consumer.ts'

export interface PullSourceOptions {
  readonly stream: string
  readonly durable: string
  /** So many messages are asked for at a time; at most four times as many are unacknowledged, over all who share the durable. */
  readonly batchMessages: number
  /** What an earlier source of this process was given, and what else is known of the stream's messages. */
  readonly known: KnownMessages
  /** The consumer stood ahead of its stream and was created again: what the stream holds is delivered again. */
  readonly onRollBack: (rollBack: RollBack) => void
}

/** Messages of a durable pull consumer, asked for ahead of being taken, so that none waits for the next ask. */
export interface PullSource {
  /** True once no message waits to be taken and none will come: after `close`, a lost connection, or when `take` threw. */
  readonly exhausted: boolean
  /** The newest message that it was given. */
  readonly seen: SeenMessage | undefined
  /**
   * Waits for a message, then takes what has come by now, at most `batchMessages`; none once it is exhausted.
   * @throws NatsError when the consumer or its stream is gone
   */
  take(): Promise<JsMsg[]>
  /** Tells the server that these were handled. After a lost connection it says nothing: they are delivered again. */
  acknowledge(messages: readonly JsMsg[]): void
  /** Tells the server not to deliver this again, in the same way. */
  drop(message: JsMsg): void
  /** Has the server deliver these again after `delayMs`. */
  reject(messages: readonly JsMsg[], delayMs: number): void
  /** Has the server deliver what came and was not taken again, after `delayMs`. */
  giveBack(delayMs: number): void
  /** Asks for no more. What has come can still be taken. */
  close(): void
}

/**
 * Creates the durable consumer if it is not there or not right, and begins to read from it. A source ends with its connection: after
 * the next one is made, the consumer has to be looked at again before anything is asked of it, and the places of messages that came before
 * may be those of others.
 */
export async function openPullSource(bus: Bus, options: PullSourceOptions): Promise<PullSource> {
  const { stream, durable, batchMessages } = options
  let isLost = false
  let lose = () => {
    isLost = true
  }
  const forgetListener = bus.onDisconnect(() => lose())
  const settings: DurableConsumer = {
    stream,
    durable,
    ackWaitMs: ACK_WAIT_MS,
    maxAckPending: batchMessages * 4,
  }
  let seen: SeenMessage | undefined
  const waiting: JsMsg[] = []
  let taken: JsMsg[] = []
  let changed = Promise.withResolvers<void>()
  let ended = false
  let fault: unknown
  const open = async () => {
    const rollBack = await ensureConsumer(bus, settings, options.known)
    if (rollBack === undefined) seen = options.known.seen
    else options.onRollBack(rollBack)
    const consumer = await bus.jetstream.consumers.get(stream, durable)
    return await consumer.consume({
      max_messages: batchMessages,
      expires: PULL_EXPIRY_MS,
      abort_on_missing_resource: true,
      callback: (message) => {
        if (message.seq > (seen?.sequence ?? 0)) {
          seen = { sequence: message.seq, storedAtMs: message.info.timestampNanos / NANOS_PER_MS }
        }
        waiting.push(message)
        changed.resolve()
      },
    })
  }
  const messages = await open().catch((error: unknown) => {
    forgetListener()
    throw error
  })
  lose = () => {
    isLost = true
    waiting.length = 0
    messages.stop()
  }
  if (isLost) lose()
  // What is being handled, or waits for it, is not delivered again, however long that takes; what died with its process soon is.
  const stillWorking = setInterval(() => {
    if (isLost || bus.connection.isDraining() || bus.connection.isClosed()) return clearInterval(stillWorking)
    for (const message of [...taken, ...waiting]) message.working() // Says nothing once it is acknowledged.
  }, ACK_WAIT_MS / 3).unref()
  void messages.closed().then((error) => {
    ended = true
    fault = error
    changed.resolve()
    setTimeout(() => {
      clearInterval(stillWorking)
      forgetListener()
    }, LAST_BATCHES_MS).unref()
  })
  return {
    get exhausted() {
      return ended && waiting.length === 0
    },
    get seen() {
      return seen
    },
    take: async () => {
      while (waiting.length === 0 && !ended) {
        await changed.promise
        changed = Promise.withResolvers()
      }
      if (waiting.length === 0 && fault instanceof Error) throw fault
      taken = waiting.splice(0, batchMessages)
      return taken
    },
    acknowledge: (handled) => {
      if (!isLost) for (const message of handled) message.ack()
    },
    drop: (message) => {
      if (!isLost) message.term()
    },
    reject: (rejected, delayMs) => {
      if (!isLost) for (const message of rejected) message.nak(delayMs)
    },
    giveBack: (delayMs) => {
      for (const message of waiting.splice(0)) message.nak(delayMs)
    },
    close: () => messages.stop(),
  }
}

const ACK_WAIT_MS = 5_000
/** How long the batches that have come may take once no more are asked for. */
const LAST_BATCHES_MS = 30_000
/** How long the server keeps one ask for messages. Half of it without a sign of the server counts as a lost ask. */
const PULL_EXPIRY_MS = 2_000
const NANOS_PER_MS = 1e6
