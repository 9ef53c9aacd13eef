import { isDeepStrictEqual } from 'node:util'
import { type DiscoveredLimit, SluiceError } from '@sluice/contracts'
import type { Bucket } from '@sluice/messaging'
import type { LimitProjection, LimitStore } from '../ports.ts'

interface Entry {
  connectionId: string
  limits: DiscoveredLimit[]
}

/**
 * The bucket of discovered limits. An entry is written only at the revision that stood before the store was read: who read
 * the store earlier than another's write tries again, so that what is learnt last is what stands in the end.
 */
export function kvLimitProjection(bucket: Bucket<Entry>, store: Pick<LimitStore, 'limitsOf'>): LimitProjection {
  return {
    refresh: async (connectionIds) => {
      let left = [...new Set(connectionIds)]
      while (left.length > 0) left = await refreshOnce(bucket, store, left)
    },
    // One that cannot be read is made anew, or removed, when it is refreshed.
    connectionIds: () => bucket.keys(),
  }
}

/** Returns the connections whose entry was written by another meanwhile. */
async function refreshOnce(
  bucket: Bucket<Entry>,
  store: Pick<LimitStore, 'limitsOf'>,
  connectionIds: readonly string[],
): Promise<string[]> {
  const standing = await Promise.all(connectionIds.map((id) => readEntry(bucket, id)))
  const limits = await store.limitsOf(connectionIds)
  const overtaken = await Promise.all(
    connectionIds.map(async (connectionId, index) => {
      const entry = { connectionId, limits: limits.get(connectionId) ?? [] }
      const { value, revision = 0 } = standing[index] ?? {}
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

/** The entry as it stands. One that cannot be read is removed: it is made anew. */
async function readEntry(bucket: Bucket<Entry>, connectionId: string): ReturnType<Bucket<Entry>['get']> {
  try {
    return await bucket.get(connectionId)
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    await bucket.erase(connectionId)
    return { value: undefined, revision: 0, storedAtMs: 0 }
  }
}
