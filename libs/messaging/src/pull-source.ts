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
  /**
   * The number of messages requested at a time; at most four times as many are unacknowledged, over all that share the
   * durable.
   */
  readonly batchMessages: number
  /** The messages that an earlier source of this process received, and what else is known of the stream's messages. */
  readonly known: KnownMessages
  /**
   * Called when the consumer was ahead of its stream and was created again: all messages in the stream are delivered
   * again.
   */
  readonly onRollBack: (rollBack: RollBack) => void
}

/** Messages of a durable pull consumer, requested before they are taken, so that none waits for the next request. */
export interface PullSource {
  /**
   * True once no message waits to be taken and none will arrive: after `close`, a lost connection, or when `take`
   * threw.
   */
  readonly exhausted: boolean
  /** The newest message that it received. */
  readonly seen: SeenMessage | undefined
  /**
   * Waits for a message, then takes those that have arrived, at most `batchMessages`; none once it is exhausted.
   * @throws NatsError when the consumer or its stream no longer exists
   */
  take(): Promise<JsMsg[]>
  /** Acknowledges handled messages. Does nothing after a lost connection: they are delivered again. */
  acknowledge(messages: readonly JsMsg[]): void
  /** Has the server not deliver this again. Does nothing after a lost connection. */
  drop(message: JsMsg): void
  /** Has the server deliver these again after `delayMs`. */
  reject(messages: readonly JsMsg[], delayMs: number): void
  /** Has the server deliver the messages that arrived and were not taken again, after `delayMs`. */
  giveBack(delayMs: number): void
  /** Requests no more messages. Those that arrived can still be taken. */
  close(): void
}

/**
 * Creates the durable consumer if it is missing or was rolled back, and begins to read from it. A source ends with its
 * connection: on the next one the consumer must be checked again before anything is requested from it, and the
 * positions of earlier messages may be those of others.
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
  // Messages that are being handled, or wait for it, are not delivered again, however long that takes; those of a dead
  // process soon are.
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
/** The time that the batches that arrived may take once no more are requested. */
const LAST_BATCHES_MS = 30_000
/**
 * The time that the server keeps one request for messages. Half of it without a sign of the server counts as a lost
 * request.
 */
const PULL_EXPIRY_MS = 2_000
const NANOS_PER_MS = 1e6
