import type { ResponseBatch } from '@sluice/contracts'
import type { StreamMessage } from '@sluice/messaging'
import type { Logger } from '@sluice/service-kit'
import type { LimitChange } from '../domain/learn.ts'
import { readingsOf } from '../domain/limit-reading.ts'
import type { LimitProjection } from '../ports/limit-projection.ts'
import { type LimitStore, UnstorableError } from '../ports/limit-store.ts'

export interface LearnFromResponsesOptions {
  readonly store: LimitStore
  readonly projection: LimitProjection
  /** Told of each change once it is stored. */
  readonly announce: (change: LimitChange) => void
  /** Unix milliseconds. */
  readonly now: () => number
  readonly logger: Logger
}

/**
 * Learns limits from what the stream delivers, announces changes and refreshes the projection, which a batch that is
 * delivered again does too. What can never be stored is set aside, with its place in the stream in the log, so that it holds
 * nothing up; the rest of its batch is learnt.
 */
export function learnFromResponses(
  options: LearnFromResponsesOptions,
): (messages: readonly StreamMessage<ResponseBatch>[]) => Promise<void> {
  const { store, projection, announce, now, logger } = options
  return async function learn(messages): Promise<void> {
    const nowMs = now()
    const readings = messages.flatMap(({ message }) => readingsOf(message, nowMs))
    if (readings.length === 0) return
    try {
      for (const change of await store.learn(readings)) announce(change)
    } catch (error) {
      if (!(error instanceof UnstorableError)) throw error
      const [first] = messages
      if (messages.length === 1 && first !== undefined) {
        logger.error({ err: error, streamSequence: first.streamSequence }, 'unstorable message, set aside')
        return
      }
      const middle = Math.ceil(messages.length / 2)
      await learn(messages.slice(0, middle))
      await learn(messages.slice(middle))
      return
    }
    await projection.refresh(readings.map(({ connectionId }) => connectionId))
  }
}
