import type { RateLimitReading, ResponseBatch } from '@sluice/contracts'
import { type StreamMessage, UnprocessableMessageError } from '@sluice/messaging'
import type { LimitChange } from './learn/learn.ts'
import { type LimitReading, readingsOf } from './learn/limit-reading.ts'
import type { KnownConnections, LimitProjection, LimitStore } from './ports.ts'

export interface LearnFromResponsesOptions {
  readonly store: LimitStore
  readonly projection: LimitProjection
  readonly connections: Pick<KnownConnections, 'exists'>
  /** Called with a connection that was deleted while its limits were being learned. */
  readonly forget: (connectionId: string) => void
  /** Called with each change once it is stored. */
  readonly announce: (change: LimitChange) => void
  /** Called once with each reading that has unreadable parts. */
  readonly onUnreadable: (provider: ResponseBatch['provider'], reading: RateLimitReading) => void
  /** Unix milliseconds. */
  readonly now: () => number
}

/**
 * Learns limits from response events: stores them, announces the changes, and refreshes the projection, even for a
 * batch that is delivered again. Late events of a deleted connection are ignored.
 * @throws UnprocessableMessageError (rejects) when a message can never be learned from
 */
export function learnFromResponses(
  options: LearnFromResponsesOptions,
): (messages: readonly StreamMessage<ResponseBatch>[]) => Promise<void> {
  const { store, projection, connections, forget, announce, onUnreadable, now } = options
  return async (messages) => {
    const nowMs = now()
    const learned = messages.map((message) => readMessage(message, nowMs))
    const read = learned.filter(({ readings }) => readings.length > 0)
    const present = await existing(connections, read)
    if (present.size > 0) {
      const ofPresent = read.filter(({ connectionId }) => present.has(connectionId))
      for (const change of await store.learn(ofPresent.flatMap(({ readings }) => readings))) announce(change)
      await projection.refresh([...present])
      // A connection may have been deleted, and its limits erased, before these were stored.
      const remaining = await existing(connections, read)
      for (const id of present) if (!remaining.has(id)) forget(id)
    }
    // Last, so that each is reported once although a batch may be handled again in parts.
    for (const { unreadable, provider } of learned) for (const reading of unreadable) onUnreadable(provider, reading)
  }
}

/** The readings of one message. */
interface MessageReadings {
  readonly connectionId: string
  readonly provider: ResponseBatch['provider']
  readonly readings: readonly LimitReading[]
  readonly unreadable: readonly RateLimitReading[]
}

function readMessage({ message, redelivered }: StreamMessage<ResponseBatch>, nowMs: number): MessageReadings {
  const { connectionId, provider } = message
  const unreadable: RateLimitReading[] = []
  try {
    const readings = readingsOf(message, nowMs, (reading) => redelivered || unreadable.push(reading))
    return { connectionId, provider, readings, unreadable }
  } catch (cause) {
    throw new UnprocessableMessageError('The rate limits of a response cannot be read', { cause })
  }
}

/** Returns the connections of these messages that exist. */
async function existing(
  connections: Pick<KnownConnections, 'exists'>,
  messages: readonly MessageReadings[],
): Promise<Set<string>> {
  const ids = [...new Set(messages.map(({ connectionId }) => connectionId))]
  const exist = await Promise.all(ids.map((id) => connections.exists(id)))
  return new Set(ids.filter((_, index) => exist[index]))
}
