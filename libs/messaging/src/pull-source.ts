import { AckPolicy, DeliverPolicy, type JsMsg, nanos } from 'nats'
import type { Bus } from './bus.ts'

export interface PullSourceOptions {
  readonly stream: string
  readonly durable: string
  /** So many messages are asked for at a time; at most four times as many are unacknowledged, over all who share the durable. */
  readonly batchMessages: number
}

/** Messages of a durable pull consumer, asked for ahead of being taken, so that none waits for the next ask. */
export interface PullSource {
  /** True once no message waits to be taken and none will come: after `close`, or when `take` threw. */
  readonly exhausted: boolean
  /**
   * Waits for a message, then takes what has come by now, at most `batchMessages`; none once it is exhausted.
   * @throws NatsError when the consumer or its stream is gone
   */
  take(): Promise<JsMsg[]>
  /** Has the server deliver what came and was not taken again, after `delayMs`. */
  giveBack(delayMs: number): void
  /** Asks for no more. What has come can still be taken. */
  close(): void
}

/** Creates the durable consumer if it is not there, and begins to read from it. */
export async function openPullSource(bus: Bus, options: PullSourceOptions): Promise<PullSource> {
  const { stream, durable, batchMessages } = options
  await bus.jetstreamManager.consumers.add(stream, {
    durable_name: durable,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ACK_WAIT_MS),
    deliver_policy: DeliverPolicy.All,
    max_ack_pending: batchMessages * 4,
  })
  const consumer = await bus.jetstream.consumers.get(stream, durable)
  const waiting: JsMsg[] = []
  let taken: JsMsg[] = []
  let changed = Promise.withResolvers<void>()
  let ended = false
  let fault: unknown
  const messages = await consumer.consume({
    max_messages: batchMessages,
    expires: PULL_EXPIRY_MS,
    abort_on_missing_resource: true,
    callback: (message) => {
      waiting.push(message)
      changed.resolve()
    },
  })
  // What is being handled, or waits for it, is not delivered again, however long that takes; what died with its process soon is.
  const stillWorking = setInterval(() => {
    if (bus.connection.isDraining() || bus.connection.isClosed()) return clearInterval(stillWorking)
    for (const message of [...taken, ...waiting]) message.working() // Says nothing once it is acknowledged.
  }, ACK_WAIT_MS / 3).unref()
  void messages.closed().then((error) => {
    ended = true
    fault = error
    changed.resolve()
    setTimeout(() => clearInterval(stillWorking), LAST_BATCHES_MS).unref()
  })
  return {
    get exhausted() {
      return ended && waiting.length === 0
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
