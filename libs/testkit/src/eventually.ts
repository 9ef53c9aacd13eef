import { setTimeout as delay } from 'node:timers/promises'

const INTERVAL_MS = 10

/**
 * Calls `assertion` until it no longer throws, and resolves with its result.
 * @throws what `assertion` threw last, once `timeoutMs` milliseconds (5,000 when absent) have passed.
 */
export async function eventually<T>(
  assertion: () => T | Promise<T>,
  { timeoutMs = 5_000 }: { readonly timeoutMs?: number } = {},
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs
  for (;;) {
    try {
      return await assertion()
    } catch (error) {
      if (performance.now() >= deadlineMs) throw error
    }
    await delay(INTERVAL_MS)
  }
}
