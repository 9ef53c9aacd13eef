import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Asks again until the answer is as wanted, and gives it.
 * @throws Error naming `what` when that takes longer than `timeoutMs`
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T>,
  isWanted: (answer: T) => boolean,
  timeoutMs = 15_000,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (isWanted(answer)) return answer
    if (performance.now() > deadlineMs) throw new Error(`${what} took longer than ${timeoutMs / 1_000} s`)
    await sleep(50)
  }
}
