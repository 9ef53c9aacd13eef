import { type RateLimitReading, type ResponseBatch, responses } from '@sluice/contracts'
import type { StreamMessage } from '@sluice/messaging'
import type { LimitChange } from '../domain/learn.ts'
import { type LimitReading, readingsOf } from '../domain/limit-reading.ts'
import type { KnownConnections } from '../ports/known-connections.ts'
import type { LimitProjection } from '../ports/limit-projection.ts'
import { type LimitStore, UnstorableError } from '../ports/limit-store.ts'
import type { StoreDeadLetter } from './put-aside.ts'

export interface LearnFromResponsesOptions {
  readonly store: LimitStore
  readonly projection: LimitProjection
  readonly connections: Pick<KnownConnections, 'exists'>
  readonly storeDeadLetter: StoreDeadLetter
  /** Told of a connection that was deleted while it was learnt of. */
  readonly forget: (connectionId: string) => void
  /** Told of each change once it is stored. */
  readonly announce: (change: LimitChange) => void
  /** Told of each reading that has unreadable parts, when it comes for the first time. */
  readonly onUnreadable: (provider: ResponseBatch['provider'], reading: RateLimitReading) => void
  /** Unix milliseconds. */
  readonly now: () => number
}

/**
 * Learns limits from what the stream delivers, announces changes and refreshes the projection, which a batch that is
 * delivered again does too. What comes late, of a deleted connection, teaches nothing. A message that can never be learnt from is
 * set aside, so that it holds nothing up; the rest of its batch is learnt.
 */
export function learnFromResponses(
  options: LearnFromResponsesOptions,
): (messages: readonly StreamMessage<ResponseBatch>[]) => Promise<void> {
  const { store, projection, connections, storeDeadLetter, forget, announce, onUnreadable, now } = options

  const read = async (messages: readonly StreamMessage<ResponseBatch>[]): Promise<Told[]> => {
    const nowMs = now()
    const told: Told[] = []
    for (const source of messages) {
      const { message, redelivered } = source
      try {
        const readings = readingsOf(message, nowMs, (reading) => redelivered || onUnreadable(message.provider, reading))
        if (readings.length > 0) told.push({ source, connectionId: message.connectionId, readings })
      } catch (error) {
        await deadLetters(source, error)
      }
    }
    return told
  }

  const learn = async (told: readonly Told[]): Promise<void> => {
    const [first] = told
    if (first === undefined) return
    try {
      for (const change of await store.learn(told.flatMap(({ readings }) => readings))) announce(change)
    } catch (error) {
      if (!(error instanceof UnstorableError)) throw error
      if (told.length === 1) return deadLetters(first.source, error)
      const middle = Math.ceil(told.length / 2)
      await learn(told.slice(0, middle))
      await learn(told.slice(middle))
    }
  }

  const deadLetters = ({ message, streamSequence }: StreamMessage<ResponseBatch>, error: unknown): Promise<void> =>
    storeDeadLetter(
      responses.subject(message.connectionId),
      streamSequence,
      error,
      Buffer.from(JSON.stringify(message)),
    )

  return async (messages) => {
    const told = await read(messages)
    const present = await existing(connections, told)
    if (present.size === 0) return
    await learn(told.filter(({ connectionId }) => present.has(connectionId)))
    await projection.refresh([...present])
    // Its deletion may have been told, and everything of it erased, before what was learnt of it was stored.
    const left = await existing(connections, told)
    for (const id of present) if (!left.has(id)) forget(id)
  }
}

/** What one message told. */
interface Told {
  readonly source: StreamMessage<ResponseBatch>
  readonly connectionId: string
  readonly readings: readonly LimitReading[]
}

/** The connections of these messages that are there. */
async function existing(connections: Pick<KnownConnections, 'exists'>, told: readonly Told[]): Promise<Set<string>> {
  const ids = [...new Set(told.map(({ connectionId }) => connectionId))]
  const exist = await Promise.all(ids.map((id) => connections.exists(id)))
  return new Set(ids.filter((_, index) => exist[index]))
}
