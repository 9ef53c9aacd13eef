import { AckPolicy, createInbox, DeliverPolicy, type Msg, type MsgHdrs, nanos } from 'nats'
import { parseInfo } from 'nats/lib/jetstream/jsmsg.js'
import type { Bus } from './bus.ts'
import { subscribe } from './subscribe.ts'

/** A message stored in a stream. */
export interface StoredMessage {
  readonly subject: string
  readonly headers: MsgHdrs | undefined
  readonly sequence: number
  /** By the server's clock, Unix milliseconds. */
  readonly storedAtMs: number
  readonly text: () => string
}

export interface OrderedReaderOptions {
  readonly stream: string
  readonly filterSubject: string
  readonly onMessage: (message: StoredMessage) => void
  /** Called once, when everything present at the start has been read. */
  readonly onPresent: () => void
  /**
   * Called at most once, when messages are or may be missing: the reader has stopped, and a new one must start over.
   */
  readonly onBroken: (error: Error) => void
}

export interface OrderedReader {
  stop(): void
}

/**
 * Reads the last message of each subject of a stream, then every new one, in order and without gaps.
 *
 * The client has such a consumer, but mistakes a stored message with a status line for one of the server's own, and
 * ends or requests it again forever. Before 2.10, nats-server stores such messages when it is made to reply into a
 * stream. Here the server's own messages are recognized by having no position in the stream.
 *
 * @throws NatsError when the consumer cannot be created
 */
export async function readOrdered(bus: Bus, options: OrderedReaderOptions): Promise<OrderedReader> {
  const deliverSubject = createInbox(bus.inboxPrefix)
  let read = 0
  /** How many messages were present at the start; undefined until the server has reported it. */
  let present: number | undefined
  let isPresent = false
  let hasEnded = false
  let silentTicks = 0

  const end = (): void => {
    hasEnded = true
    clearInterval(ticks)
    subscription.unsubscribe()
  }
  const broken = (reason: string): void => {
    if (hasEnded) return
    end()
    options.onBroken(new Error(`the reader of ${options.filterSubject} must start over: ${reason}`))
  }
  const readAll = (): void => {
    if (isPresent) return
    isPresent = true
    options.onPresent()
  }
  const heardServer = (message: Msg): void => {
    // A flow-control request: confirms that everything before it was received.
    if (message.reply?.startsWith('$JS.FC.')) {
      message.respond()
      return
    }
    const { headers } = message
    if (headers?.has('Nats-Consumer-Stalled')) bus.connection.publish(headers.get('Nats-Consumer-Stalled'))
    if (!headers?.has('Nats-Last-Consumer')) return
    const delivered = headers.get('Nats-Last-Consumer')
    if (Number(delivered) !== read) broken(`${delivered} messages were sent, ${read} arrived`)
    // An idle heartbeat: nothing is left to send, even if some messages present at the start have been removed.
    else if (present !== undefined) readAll()
  }
  const subscription = subscribe(bus, deliverSubject, {
    onError: (error) => broken(error.message),
    onMessage: (message) => {
      if (hasEnded) return
      silentTicks = 0
      if (!message.reply?.startsWith('$JS.ACK.')) return heardServer(message)
      const { deliverySequence, streamSequence, timestampNanos, pending } = parseInfo(message.reply)
      if (deliverySequence !== read + 1) return broken(`message ${read + 1} is missing`)
      read = deliverySequence
      options.onMessage({
        subject: message.subject,
        headers: message.headers,
        sequence: streamSequence,
        storedAtMs: Math.floor(timestampNanos / NANOS_PER_MS),
        text: () => message.string(),
      })
      if (pending === 0 || (present !== undefined && read >= present)) readAll()
    },
  })
  const ticks = setInterval(() => {
    if (++silentTicks > MAX_SILENT_TICKS) broken('the server is silent')
  }, HEARTBEAT_MS)

  try {
    const { num_pending, delivered } = await bus.jetstreamManager.consumers.add(options.stream, {
      name: deliverSubject.slice(deliverSubject.lastIndexOf('.') + 1),
      filter_subject: options.filterSubject,
      deliver_subject: deliverSubject,
      deliver_policy: DeliverPolicy.LastPerSubject,
      ack_policy: AckPolicy.None,
      max_deliver: 1,
      flow_control: true,
      idle_heartbeat: nanos(HEARTBEAT_MS),
      mem_storage: true,
      num_replicas: 1,
    })
    present = num_pending + delivered.consumer_seq
    if (read >= present) readAll()
  } catch (error) {
    end()
    throw error
  }
  return { stop: end }
}

const HEARTBEAT_MS = 5_000
/**
 * Counted in turns of this process's own event loop, so that a process that was not scheduled does not blame the
 * server.
 */
const MAX_SILENT_TICKS = 3
const NANOS_PER_MS = 1e6
