import { setTimeout as sleep } from 'node:timers/promises'
import { NoReplyError } from '@sluice/messaging'

/**
 * Runs a step of the start again while NATS does not reply in time. A start may take longer than a request: a server
 * that has just started itself, or has a slow disk, takes seconds to create a stream. The step must be safe to repeat.
 *
 * @param onTimeout called before each repeat
 * @param withinMs for how long the step is repeated
 * @throws the last time-out when that time is over; any other error at once
 */
export async function retryStart<T>(
  step: () => Promise<T>,
  onTimeout: (error: unknown) => void,
  withinMs = START_WITHIN_MS,
): Promise<T> {
  const endsAtMs = performance.now() + withinMs
  for (;;) {
    try {
      return await step()
    } catch (error) {
      if (!isTimeout(error) || performance.now() >= endsAtMs) throw error
      onTimeout(error)
    }
    // A lost connection fails at once, without the wait of a time-out.
    await sleep(RETRY_MS)
  }
}

/** The NATS client's own requests fail with its error code for a time-out. */
function isTimeout(error: unknown): boolean {
  return error instanceof NoReplyError || (error instanceof Error && 'code' in error && error.code === 'TIMEOUT')
}

const START_WITHIN_MS = 60_000
const RETRY_MS = 100
