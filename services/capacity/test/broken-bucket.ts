import type { ReadableBucket } from '../src/commit/buckets.ts'

/**
 * A bucket in memory as a power cut leaves it on nats-server 2.9: of what is stored at a revision up to
 * `deletedUntil`, the server says that there is nothing, unless the revision is among `known`.
 */
export function brokenBucket(deletedUntil: number, known: readonly number[] = []) {
  const entries = new Map<string, { value: unknown; revision: number }>()
  let lastRevision = 0
  let lostUntil = deletedUntil
  const isThere = (revision: number) => revision > lostUntil || known.includes(revision)
  const bucket = {
    put: async (key: string, value: unknown) => {
      entries.set(key, { value, revision: ++lastRevision })
      return lastRevision
    },
    get: async (key: string) => {
      const entry = entries.get(key)
      if (entry === undefined || !isThere(entry.revision)) return { value: undefined, revision: 0, storedAtMs: 0 }
      return { ...entry, storedAtMs: 1 }
    },
    update: async (key: string, value: unknown, expectedRevision: number) => {
      if ((entries.get(key)?.revision ?? 0) !== expectedRevision) return { status: 'conflict' as const }
      return { status: 'stored' as const, revision: await bucket.put(key, value) }
    },
    keys: async () => [...entries.keys()],
    clear: async (revision: number) => {
      for (const [key, entry] of entries) if (entry.revision <= revision) entries.delete(key)
      lostUntil = 0
    },
  }
  return bucket satisfies ReadableBucket<unknown>
}
