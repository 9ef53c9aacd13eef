import { isDeepStrictEqual } from 'node:util'
import { type DiscoveredLimit, SluiceError } from '@sluice/contracts'
import type { Bucket } from '@sluice/messaging'
import type { LimitProjection, LimitStore } from '../ports.ts'

interface Entry {
  connectionId: string
  limits: DiscoveredLimit[]
}

/**
 * The bucket of discovered limits. An entry is written only over the revision that was read before the store: an
 * instance that read the store before another's write tries again, so that the last limits learned are the ones that
 * remain.
 */
export function kvLimitProjection(bucket: Bucket<Entry>, store: Pick<LimitStore, 'limitsOf'>): LimitProjection {
  return {
    refresh: async (connectionIds) => {
      let remaining = [...new Set(connectionIds)]
      while (remaining.length > 0) remaining = await refreshOnce(bucket, store, remaining)
    },
    // An unreadable entry is replaced or removed when it is refreshed.
    connectionIds: () => bucket.keys(),
  }
}

/** Returns the connections whose entry another instance wrote meanwhile. */
async function refreshOnce(
  bucket: Bucket<Entry>,
  store: Pick<LimitStore, 'limitsOf'>,
  connectionIds: readonly string[],
): Promise<string[]> {
  const current = await Promise.all(
    connectionIds.map(async (connectionId) => ({ connectionId, stored: await readEntry(bucket, connectionId) })),
  )
  const limits = await store.limitsOf(connectionIds)
  const overtaken = await Promise.all(
    current.map(async ({ connectionId, stored: { value, revision } }) => {
      const entry = { connectionId, limits: limits.get(connectionId) ?? [] }
      if (entry.limits.length === 0) {
        if (value !== undefined) await bucket.erase(connectionId)
        return []
      }
      if (isDeepStrictEqual(value, entry)) return []
      const { status } = await bucket.update(connectionId, entry, revision)
      return status === 'conflict' ? [connectionId] : []
    }),
  )
  return overtaken.flat()
}

/** Reads an entry. An unreadable one is removed, so that it is written again. */
async function readEntry(bucket: Bucket<Entry>, connectionId: string): ReturnType<Bucket<Entry>['get']> {
  try {
    return await bucket.get(connectionId)
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    await bucket.erase(connectionId)
    return { value: undefined, revision: 0, storedAtMs: 0 }
  }
}
