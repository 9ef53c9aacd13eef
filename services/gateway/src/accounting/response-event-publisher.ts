import { type ProviderId, type ResponseBatch, type ResponseEvent, responses, SluiceError } from '@sluice/contracts'
import { type Bus, publishToStream } from '@sluice/messaging'
import { eventsOfOneMessage } from './event-message.ts'
import { EventQueue, requestsOf } from './event-queue.ts'

export interface EventPublisherOptions {
  /** Identifies this process for as long as it lives. */
  readonly gateway: string
  /** How long a batch is retried before it is dropped; by default as long as consumers remember its name. */
  readonly maxAgeMs?: number
  /** How many events are kept while they cannot be published; then the oldest of the connection with the most events are dropped. */
  readonly maxEvents: number
  /** Called when a batch could not be published and will be retried. */
  readonly onFault: (error: unknown) => void
  /** Called when a batch is stored. */
  readonly onPublished: () => void
  /** Called with the number of requests whose events were dropped: because of the maximum, their age, or the stop. */
  readonly onDropped: (requests: number) => void
}

export interface RunningEventPublisher extends ResponseEvents {
  /** Publishes the remaining events, for `deadlineMs` at most. */
  stop(deadlineMs: number): Promise<void>
}

/**
 * Publishes response events in batches, one batch of a connection at a time; later events go into the next batch. Requests that were never
 * sent to the provider are summed for {@link TALLY_INTERVAL_MS}, so that a flood of them makes a few events a second and leaves other
 * connections their share of the memory and the stream.
 *
 * A batch that may not be stored is published again under the same message id, which the stream deduplicates; once the stream has forgotten
 * the id, consumers deduplicate by the batch's name. The batch is dropped when they may have forgotten it too.
 */
export function eventPublisher(bus: Bus, options: EventPublisherOptions): RunningEventPublisher {
  const queues = new Map<string, Queue>()
  let lastBatch = 0
  let waiting = 0
  let dropped = 0
  let stopping = false
  let givenUp = false

  /** Resolves with false if the batch was dropped. */
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
        queue.inFlight = taken
        const isStored = await publish({
          connectionId,
          provider,
          gateway: options.gateway,
          batch: ++lastBatch,
          events: taken,
        })
        if (givenUp) break // `stop` has counted these events as dropped.
        queue.inFlight = []
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
    const queue = known ?? { provider, events: new EventQueue(), inFlight: [], drained: Promise.resolve() }
    const sizeBefore = queue.events.size
    queue.events.add(event)
    waiting += queue.events.size - sizeBefore
    if (known === undefined) {
      queues.set(connectionId, queue)
      queue.drained = drain(connectionId, queue)
    }
    if (waiting > options.maxEvents) makeRoom()
  }

  /** Drops the oldest events of the connection with the most, a few more than necessary, so that the search is seldom needed. */
  const makeRoom = (): void => {
    const { events } = [...queues.values()].reduce((most, queue) =>
      queue.events.size > most.events.size ? queue : most,
    )
    const excess = waiting - options.maxEvents + Math.floor(options.maxEvents * SPARE_ROOM)
    const removed = events.dropTo(Math.max(0, events.size - excess))
    waiting -= removed.length
    dropped += requestsIn(removed)
  }

  return {
    record,
    stop: async (deadlineMs) => {
      stopping = true
      const drained = Promise.all(Array.from(queues.values(), (queue) => queue.drained))
      await Promise.race([drained, pause(deadlineMs)])
      givenUp = true
      for (const { events, inFlight } of queues.values()) dropped += requestsIn(inFlight) + requestsIn(events.dropTo(0))
      reportDropped()
    },
  }
}

interface Queue {
  readonly provider: ProviderId
  /** Without the events of the batch in flight. */
  readonly events: EventQueue
  inFlight: readonly ResponseEvent[]
  /** Resolves when the queue is empty; never rejects. */
  drained: Promise<void>
}

function requestsIn(events: readonly ResponseEvent[]): number {
  return events.reduce((sum, event) => sum + requestsOf(event), 0)
}

/** Under load, batches of this interval cost a fraction of a message per event. */
const MIN_INTERVAL_MS = 50
/** The shortest interval at which a connection's refused requests are published. */
const TALLY_INTERVAL_MS = 1_000
/** Part of the maximum that is freed in addition to what is needed. */
const SPARE_ROOM = 0.01
const MIN_RETRY_MS = 100
const MAX_RETRY_MS = 2_000

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/** Records how requests ended. */
export interface ResponseEvents {
  /** Queues an event to be published soon. Returns at once and never throws. */
  record(connectionId: string, provider: ProviderId, event: ResponseEvent): void
}
