import type { ResponseBatch } from '@sluice/contracts'
import type { StreamMessage } from '@sluice/messaging'
import type { Logger } from '@sluice/service-kit'
import { UnstorableError, type UsageStore } from '../ports/usage-store.ts'

/**
 * Records what the stream delivers. What can never be stored is dropped, with its place in the stream in the log, so that
 * it holds nothing up; the rest of its batch is recorded.
 */
export function recordResponses(
  store: UsageStore,
  logger: Logger,
): (messages: readonly StreamMessage<ResponseBatch>[]) => Promise<void> {
  return async function record(messages): Promise<void> {
    try {
      await store.record(messages.map(({ message }) => message))
    } catch (error) {
      if (!(error instanceof UnstorableError)) throw error
      const [first] = messages
      if (messages.length === 1 && first !== undefined) {
        logger.error({ err: error, streamSequence: first.streamSequence }, 'unstorable message, dropped')
        return
      }
      const middle = Math.ceil(messages.length / 2)
      await record(messages.slice(0, middle))
      await record(messages.slice(middle))
    }
  }
}
