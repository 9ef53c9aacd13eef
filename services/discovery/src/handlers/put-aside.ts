import type { Logger } from '@sluice/service-kit'
import type { SetAside } from '../ports/set-aside.ts'

/**
 * Sets a message aside and says so in the log.
 * @param reason in words, or the error that it caused
 */
export type PutAside = (subject: string, streamSequence: number, reason: unknown, data: Uint8Array) => Promise<void>

/** @param now Unix milliseconds */
export function putAsideIn(setAside: SetAside, logger: Pick<Logger, 'error'>, now: () => number): PutAside {
  return async (subject, streamSequence, reason, data) => {
    const words = reason instanceof Error ? reason.message : String(reason)
    await setAside.put({ subject, streamSequence, reason: words, setAsideAtMs: now() }, data)
    logger.error({ subject, streamSequence, reason }, 'a message cannot be learnt from, set aside')
  }
}
