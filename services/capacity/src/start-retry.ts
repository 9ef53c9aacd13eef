import { setTimeout as sleep } from 'node:timers/promises'
import { NoReplyError } from '@sluice/messaging'

/**
 * Calls `ask` again while NATS does not answer in time. A start has longer than a request: a server that has just started itself, or whose
 * disk is slow, makes a stream in seconds. What is asked must be such that it may have been done already.
 * @param onUnanswered called each time before it is asked again
 * @param withinMs for how long it is asked again
 * @throws the last fault when that time is over; any other fault at once
 */
export async function retryStart<T>(
  ask: () => Promise<T>,
  onUnresponded: (error: unknown) => void,
  withinMs = START_WITHIN_MS,
): Promise<T> {
  const endsAtMs = performance.now() + withinMs
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!isUnresponded(error) || performance.now() >= endsAtMs) throw error
      onUnresponded(error)
    }
    // A connection that was lost gives no answer at once.
    await sleep(AGAIN_MS)
  }
}

/** The client's own requests fail with its code for a time-out. */
function isUnresponded(error: unknown): boolean {
  return error instanceof NoReplyError || (error instanceof Error && 'code' in error && error.code === 'TIMEOUT')
}

const START_WITHIN_MS = 60_000
const AGAIN_MS = 100
