import type { ResponseBatch } from '@sluice/contracts'
import type { StreamMessage } from '@sluice/messaging'
import type { Logger } from '@sluice/service-kit'
import type { LimitChange } from '../domain/learn.ts'
import { type LimitReading, readingsOf } from '../domain/limit-reading.ts'
import type { KnownConnections } from '../ports/known-connections.ts'
import type { LimitProjection } from '../ports/limit-projection.ts'
import { type LimitStore, UnstorableError } from '../ports/limit-store.ts'

export interface LearnFromResponsesOptions {
  readonly store: LimitStore
  readonly projection: LimitProjection
  readonly connections: KnownConnections
  /** Told of a connection that was deleted while it was learnt of. */
  readonly forget: (connectionId: string) => void
  /** Told of each change once it is stored. */
  readonly announce: (change: LimitChange) => void
  /** Unix milliseconds. */
  readonly now: () => number
  readonly logger: Logger
}

/**
 * Learns limits from what the stream delivers, announces changes and refreshes the projection, which a batch that is
 * delivered again does too. What comes late, of a deleted connection, teaches nothing. What can never be stored is dropped,
 * with its place in the stream in the log, so that it holds nothing up; the rest of its batch is learnt.
 */
export function learnFromResponses(
  options: LearnFromResponsesOptions,
): (messages: readonly StreamMessage<ResponseBatch>[]) => Promise<void> {
  const { store, projection, connections, forget, announce, now, logger } = options
  return async function learn(messages): Promise<void> {
    const nowMs = now()
    const told = messages.flatMap(({ message }) => readingsOf(message, nowMs))
    const present = await existing(connections, told)
    const readings = told.filter(({ connectionId }) => present.has(connectionId))
    if (readings.length === 0) return
    try {
      for (const change of await store.learn(readings)) announce(change)
    } catch (error) {
      if (!(error instanceof UnstorableError)) throw error
      const [first] = messages
      if (messages.length === 1 && first !== undefined) {
        logger.error({ err: error, streamSequence: first.streamSequence }, 'unstorable message, dropped')
        return
      }
      const middle = Math.ceil(messages.length / 2)
      await learn(messages.slice(0, middle))
      await learn(messages.slice(middle))
      return
    }
    await projection.refresh([...present])
    // Its deletion may have been told, and everything of it erased, before what was learnt of it was stored.
    const left = await existing(connections, readings)
    for (const id of present) if (!left.has(id)) forget(id)
  }
}

/** The connections of these readings that are there. */
async function existing(connections: KnownConnections, readings: readonly LimitReading[]): Promise<Set<string>> {
  const ids = [...new Set(readings.map(({ connectionId }) => connectionId))]
  const exist = await Promise.all(ids.map((id) => connections.exists(id)))
  return new Set(ids.filter((_, index) => exist[index]))
}
