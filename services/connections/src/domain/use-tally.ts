/** Which API keys were used and when, until it is written down: for one key at most once a minute. */
export interface UseTally {
  /** A key was used at `atMs`, Unix milliseconds. */
  note(keyId: string, atMs: number): void
  /** The last uses that are to be written now, by key. */
  due(nowMs: number): ReadonlyMap<string, number>
  /** What was due is written. */
  written(uses: ReadonlyMap<string, number>, nowMs: number): void
}

export function createUseTally(): UseTally {
  const unwritten = new Map<string, number>()
  const writtenAtMs = new Map<string, number>()
  return {
    note: (keyId, atMs) => {
      unwritten.set(keyId, Math.max(atMs, unwritten.get(keyId) ?? atMs))
    },
    due: (nowMs) => {
      for (const [keyId, atMs] of writtenAtMs) if (nowMs - atMs >= INTERVAL_MS) writtenAtMs.delete(keyId)
      return new Map([...unwritten].filter(([keyId]) => !writtenAtMs.has(keyId)))
    },
    written: (uses, nowMs) => {
      for (const [keyId, atMs] of uses) {
        writtenAtMs.set(keyId, nowMs)
        // A use that was noted meanwhile is still to be written.
        if (unwritten.get(keyId) === atMs) unwritten.delete(keyId)
      }
    },
  }
}

const INTERVAL_MS = 60_000
