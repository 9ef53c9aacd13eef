import { type ProviderId, type ResponseBatch, type ResponseEvent, responses, SluiceError } from '@sluice/contracts'
import { type Bus, publishToStream } from '@sluice/messaging'
import type { ResponseEvents } from '../ports.ts'
import { EventQueue, eventsOfOneMessage, requestsOf } from './event-queue.ts'

export interface EventPublisherOptions {
  /** This process, for as long as it lives. */
  readonly gateway: string
  /** A batch is given up when it could not be published for so long; the span that consumers allow for when absent. */
  readonly maxAgeMs?: number
  /** How many events are kept while they cannot be published; beyond, the oldest ones of the connection with most of them go. */
  readonly maxEvents: number
  /** A batch could not be published, and will be tried again. */
  readonly onFault: (error: unknown) => void
  /** A batch is stored. */
  readonly onPublished: () => void
  /** Events have gone, of so many requests: for want of room, for their age, or as it stopped. */
  readonly onDropped: (requests: number) => void
}

export interface RunningEventPublisher extends ResponseEvents {
  /** Publishes what is left, for `deadlineMs` at most. */
  stop(deadlineMs: number): Promise<void>
}

/**
 * Publishes response events in batches, one batch of a connection at a time: what comes while one is under way goes in the
 * next. Requests that were not sent to the provider are added up for {@link TALLY_INTERVAL_MS}, so that a flood of them makes a few
 * events a second, and leaves other connections their room in memory and in the stream. A batch that is not known to be stored is published again under the same message id, so that it is stored once; or twice, where
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
      reportDropped()
      if (performance.now() - beganAtMs > (options.maxAgeMs ?? responses.lateMs)) return false
      await pause(Math.min(MAX_RETRY_MS, MIN_RETRY_MS * attempt))
    }
    return false
  }

  const drain = async (connectionId: string, queue: Queue): Promise<void> => {
    const { events, provider } = queue
    let collectedAtMs = Number.NEGATIVE_INFINITY
    while (!givenUp) {
      const isDue = stopping || performance.now() - collectedAtMs >= TALLY_INTERVAL_MS
      if (events.hasTallies && isDue) {
        events.collect()
        collectedAtMs = performance.now()
      }
      if (events.ready.length > 0) {
        const taken = events.take(eventsOfOneMessage(events.ready))
        queue.underWay = taken
        const isStored = await publish({
          connectionId,
          provider,
          gateway: options.gateway,
          batch: ++lastBatch,
          events: taken,
        })
        if (givenUp) break // What waited was counted as it was given up.
        queue.underWay = []
        waiting -= taken.length
        if (!isStored) dropped += requestsIn(taken)
        reportDropped()
      } else if (isDue) {
        break
      }
      if (!stopping) await pause(MIN_INTERVAL_MS)
    }
    queues.delete(connectionId)
  }

  const reportDropped = (): void => {
    if (dropped === 0) return
    options.onDropped(dropped)
    dropped = 0
  }

  const record = (connectionId: string, provider: ProviderId, event: ResponseEvent): void => {
    const known = queues.get(connectionId)
    const queue = known ?? { provider, events: new EventQueue(), underWay: [], drained: Promise.resolve() }
    const sizeBefore = queue.events.size
    queue.events.add(event)
    waiting += queue.events.size - sizeBefore
    if (known === undefined) {
      queues.set(connectionId, queue)
      queue.drained = drain(connectionId, queue)
    }
    if (waiting > options.maxEvents) makeRoom()
  }

  /** Drops what was there first of the connection with most events, some more than is needed, so that finding it is worth it. */
  const makeRoom = (): void => {
    const { events } = [...queues.values()].reduce((most, queue) =>
      queue.events.size > most.events.size ? queue : most,
    )
    const excess = waiting - options.maxEvents + Math.floor(options.maxEvents * SPARE_ROOM)
    const gone = events.dropTo(Math.max(0, events.size - excess))
    waiting -= gone.length
    dropped += requestsIn(gone)
  }

  return {
    record,
    stop: async (deadlineMs) => {
      stopping = true
      const drained = Promise.all(Array.from(queues.values(), (queue) => queue.drained))
      await Promise.race([drained, pause(deadlineMs)])
      givenUp = true
      for (const { events, underWay } of queues.values()) dropped += requestsIn(underWay) + requestsIn(events.dropTo(0))
      reportDropped()
    },
  }
}

interface Queue {
  readonly provider: ProviderId
  /** Without those of the batch that is under way. */
  readonly events: EventQueue
  underWay: readonly ResponseEvent[]
  /** Resolves when the queue is empty; never rejects. */
  drained: Promise<void>
}

function requestsIn(events: readonly ResponseEvent[]): number {
  return events.reduce((sum, event) => sum + requestsOf(event), 0)
}

/** Under load, batches of this span cost a small part of what a message each would. */
const MIN_INTERVAL_MS = 50
/** A connection's refused requests are published so often at most. */
export const TALLY_INTERVAL_MS = 1_000
/** Of all the room, what is made beyond what is needed. */
const SPARE_ROOM = 0.01
const MIN_RETRY_MS = 100
const MAX_RETRY_MS = 2_000

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
