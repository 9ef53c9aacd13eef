import { setTimeout as delay } from 'node:timers/promises'

/** Resolves after `ms`, or as soon as `signal` is aborted: check the signal afterwards. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/**
 * Resolves when `work` does, after `deadlineMs` at the latest, with whether the work was done by then. Unfinished work
 * continues.
 * @throws (rejects) if the work rejects before the deadline, with the same error
 */
export async function within(deadlineMs: number, work: Promise<unknown>): Promise<boolean> {
  const deadline = Promise.withResolvers<false>()
  const timer = setTimeout(deadline.resolve, deadlineMs, false)
  try {
    return await Promise.race([work.then(() => true), deadline.promise])
  } finally {
    clearTimeout(timer)
  }
}
