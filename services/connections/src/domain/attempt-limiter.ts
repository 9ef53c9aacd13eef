/** Counts attempts by key: so many at once, and as many again over a minute. */
export interface AttemptLimiter {
  /** How long until this key has an attempt left, in milliseconds; 0 where it has. */
  waitMs(key: string, nowMs: number): number
  /** Uses an attempt up. False where none is left. */
  take(key: string, nowMs: number): boolean
}

/**
 * A bucket for each key, full with `perMinute` attempts and refilled evenly. Of more than `maxKeys` keys, those that made no attempt for
 * longest are forgotten.
 */
export function createAttemptLimiter(perMinute: number, maxKeys: number): AttemptLimiter {
  const intervalMs = 60_000 / perMinute
  const capacityMs = perMinute * intervalMs
  /** By key, when its bucket is full again; those that took last are last. */
  const fullAtMs = new Map<string, number>()

  const waitMs = (key: string, nowMs: number): number => {
    const next = Math.max(fullAtMs.get(key) ?? nowMs, nowMs) + intervalMs
    return Math.max(0, next - capacityMs - nowMs)
  }
  return {
    waitMs,
    take: (key, nowMs) => {
      if (waitMs(key, nowMs) > 0) return false
      const next = Math.max(fullAtMs.get(key) ?? nowMs, nowMs) + intervalMs
      fullAtMs.delete(key)
      fullAtMs.set(key, next)
      for (const oldest of fullAtMs.keys()) {
        if (fullAtMs.size <= maxKeys) break
        fullAtMs.delete(oldest)
      }
      return true
    },
  }
}
