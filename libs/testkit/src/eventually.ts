import { vi } from 'vitest'

/**
 * Calls `assertion` until it no longer throws, and resolves with its result: `vi.waitFor` with a timeout that suits real servers on a busy
 * machine.
 * @throws what `assertion` threw last, once `timeoutMs` milliseconds (20,000 when absent) have passed.
 */
export function eventually<T>(
  assertion: () => T | Promise<T>,
  { timeoutMs = 20_000 }: { readonly timeoutMs?: number } = {},
): Promise<T> {
  return vi.waitFor(assertion, { timeout: timeoutMs, interval: 10 })
}
