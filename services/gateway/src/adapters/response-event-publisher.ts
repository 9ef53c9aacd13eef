import { type ProviderId, type ResponseBatch, type ResponseEvent, responses, SluiceError } from '@sluice/contracts'
import { type Bus, publishToStream } from '@sluice/messaging'
import { eventsOfOneMessage } from '../domain/event-batch.ts'
import type { ResponseEvents } from '../ports/response-events.ts'

export interface EventPublisherOptions {
  /** This process, for as long as it lives. */
  readonly gateway: string
  /** A batch is given up when it could not be published for so long; the span that consumers allow for when absent. */
  readonly maxAgeMs?: number
  /** How many events are kept while they cannot be published; beyond, a connection's oldest ones go. */
  readonly maxEvents: number
  /** A batch could not be published, and will be tried again. */
  readonly onFault: (error: unknown) => void
  /** A batch is stored. */
  readonly onPublished: () => void
  /** Events have gone: for want of room, for their age, or as it stopped. */
  readonly onDropped: (events: number) => void
}

export interface RunningEventPublisher extends ResponseEvents {
  /** Publishes what is left, for `deadlineMs` at most. */
  stop(deadlineMs: number): Promise<void>
}

/**
 * Publishes response events in batches, one batch of a connection at a time: what comes while one is under way goes in the
 * next. A batch that is not known to be stored is published again under the same message id, so that it is stored once; or twice, where
 * the stream has forgotten the id, and then counted once by its name. It is given up once that name may be forgotten, too.
 */
export function eventPublisher(bus: Bus, options: EventPublisherOptions): RunningEventPublisher {
  const queues = new Map<string, Queue>()
  let lastBatch = 0
  let waiting = 0
  let dropped = 0
  let stopping = false
  let givenUp = false

  /** False when it was given up. */
  const publish = async (batch: ResponseBatch): Promise<boolean> => {
    const beganAtMs = performance.now()
    for (let attempt = 1; !givenUp; attempt++) {
      try {
        if (!bus.isConnected()) throw new SluiceError('unavailable', 'NATS is not connected')
        await publishToStream(bus, responses, [batch.connectionId], batch, `${batch.gateway}-${batch.batch}`)
        options.onPublished()
        return true
      } catch (error) {
        options.onFault(error)
      }
      tellDropped()
      if (performance.now() - beganAtMs > (options.maxAgeMs ?? responses.lateMs)) return false
      await pause(Math.min(MAX_RETRY_MS, MIN_RETRY_MS * attempt))
    }
    return false
  }

  const drain = async (connectionId: string, queue: Queue): Promise<void> => {
    while (queue.events.length > 0 && !givenUp) {
      const events = queue.events.splice(0, eventsOfOneMessage(queue.events))
      const { gateway } = options
      const isStored = await publish({ connectionId, provider: queue.provider, gateway, batch: ++lastBatch, events })
      if (givenUp) break // What waited was counted as it was given up.
      waiting -= events.length
      if (!isStored) dropped += events.length
      tellDropped()
      if (!stopping) await pause(MIN_INTERVAL_MS)
    }
    queues.delete(connectionId)
  }

  const tellDropped = (): void => {
    if (dropped === 0) return
    options.onDropped(dropped)
    dropped = 0
  }

  const record = (connectionId: string, provider: ProviderId, event: ResponseEvent): void => {
    const queue = queues.get(connectionId)
    waiting++
    if (queue === undefined) {
      const begun: Queue = { provider, events: [event], drained: Promise.resolve() }
      queues.set(connectionId, begun)
      begun.drained = drain(connectionId, begun)
      return
    }
    queue.events.push(event)
    if (waiting > options.maxEvents) {
      queue.events.shift()
      waiting--
      dropped++
    }
  }

  return {
    record,
    stop: async (deadlineMs) => {
      stopping = true
      const drained = Promise.all(Array.from(queues.values(), (queue) => queue.drained))
      await Promise.race([drained, pause(deadlineMs)])
      givenUp = true
      dropped += waiting
      tellDropped()
    },
  }
}

interface Queue {
  readonly provider: ProviderId
  /** Oldest first, without those of the batch that is under way. */
  readonly events: ResponseEvent[]
  /** Resolves when the queue is empty; never rejects. */
  drained: Promise<void>
}

/** Under load, batches of this span cost a small part of what a message each would. */
const MIN_INTERVAL_MS = 50
const MIN_RETRY_MS = 100
const MAX_RETRY_MS = 2_000

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
