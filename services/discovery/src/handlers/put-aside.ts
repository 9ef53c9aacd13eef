import type { Logger } from '@sluice/service-kit'
import type { DeadLetters } from '../ports/set-aside.ts'

/**
 * Sets a message aside and says so in the log.
 * @param reason in words, or the error that it caused
 */
export type StoreDeadLetter = (
  subject: string,
  streamSequence: number,
  reason: unknown,
  data: Uint8Array,
) => Promise<void>

/** @param now Unix milliseconds */
export function storeDeadLetterIn(
  deadLetters: DeadLetters,
  logger: Pick<Logger, 'error'>,
  now: () => number,
): StoreDeadLetter {
  return async (subject, streamSequence, reason, data) => {
    const words = reason instanceof Error ? reason.message : String(reason)
    await deadLetters.put({ subject, streamSequence, reason: words, deadLetteredAtMs: now() }, data)
    logger.error({ subject, streamSequence, reason }, 'a message cannot be learnt from, set aside')
  }
}
