import { AckPolicy, createInbox, DeliverPolicy, type Msg, type MsgHdrs, nanos } from 'nats'
import { parseInfo } from 'nats/lib/jetstream/jsmsg.js'
import type { Bus } from './bus.ts'

/** A message as it stands in a stream. */
export interface StoredMessage {
  readonly subject: string
  readonly headers: MsgHdrs | undefined
  /** Its place in the stream. */
  readonly sequence: number
  /** By the server's clock, Unix milliseconds. */
  readonly storedAtMs: number
  readonly text: () => string
}

export interface OrderedReaderOptions {
  readonly stream: string
  readonly filterSubject: string
  readonly onMessage: (message: StoredMessage) => void
  /** Called once, when everything that was there at the beginning has been read. */
  readonly onPresent: () => void
  /** Called at most once, when messages are missing or may be: the reader has stopped, and another has to begin from the start. */
  readonly onBroken: (error: Error) => void
}

export interface OrderedReader {
  stop(): void
}

/**
 * Reads the last message of each subject of a stream, then every new one, in order and without gaps.
 *
 * The client has such a consumer, too; it takes a message by its status line for one of the server's own, and ends, or asks for it
 * again for ever. Before 2.10 nats-server stores such messages where it is made to reply into a stream. Here the server's own are
 * known by what they lack: a place in the stream.
 *
 * @throws NatsError when the consumer cannot be created
 */
export async function readOrdered(bus: Bus, options: OrderedReaderOptions): Promise<OrderedReader> {
  const deliverSubject = createInbox(bus.inboxPrefix)
  let read = 0
  /** How many messages were there at the beginning; undefined until the server has said so. */
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
    options.onBroken(new Error(`the reader of ${options.filterSubject} has to begin again: ${reason}`))
  }
  const readAll = (): void => {
    if (isPresent) return
    isPresent = true
    options.onPresent()
  }
  const heardServer = (message: Msg): void => {
    // Asks for a sign that what came before it was taken.
    if (message.reply?.startsWith('$JS.FC.')) {
      message.respond()
      return
    }
    const stalled = message.headers?.get('Nats-Consumer-Stalled') ?? ''
    if (stalled !== '') bus.connection.publish(stalled)
    const delivered = message.headers?.get('Nats-Last-Consumer') ?? ''
    if (delivered === '') return
    if (Number(delivered) !== read) broken(`${delivered} were sent, ${read} came`)
    // It is idle: nothing is left to be sent, even if what was there at the beginning has been removed.
    else if (present !== undefined) readAll()
  }
  const subscription = bus.connection.subscribe(deliverSubject, {
    callback: (error, message) => {
      if (hasEnded) return
      if (error !== null) return broken(error.message)
      silentTicks = 0
      if (!message.reply?.startsWith('$JS.ACK.')) return heardServer(message)
      const { deliverySequence, streamSequence, timestampNanos, pending } = parseInfo(message.reply)
      if (deliverySequence !== read + 1) return broken(`message ${read + 1} did not come`)
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
/** Counted in turns of this process's own event loop, so that one that was not scheduled for long blames nobody else. */
const MAX_SILENT_TICKS = 3
const NANOS_PER_MS = 1e6
