import { type ProjectedConnection, SluiceError } from '@sluice/contracts'
import type { Bucket, Watch } from '@sluice/messaging'
import type { KnownConnections } from '../ports.ts'

export interface WatchedConnections extends KnownConnections {
  /**
   * Those of `connectionIds` that are not there. None while nothing was ever projected: a bucket that was lost is filled anew,
   * and says nothing until then.
   */
  missing(connectionIds: readonly string[]): Promise<string[]>
  stop(): void
}

/**
 * Follows the `connections` projection; resolves when every connection that is there is known.
 * @param onDeleted told of each connection that is deleted, also before now, maybe more than once
 */
export async function watchConnections(
  bucket: Bucket<ProjectedConnection>,
  onDeleted: (connectionId: string) => void,
  onFault: (error: unknown) => void,
): Promise<WatchedConnections> {
  const known = new Set<string>()
  let isProjected = false
  const watch: Watch = await bucket.watch({
    onFault,
    onEntry: ({ key, value }) => {
      isProjected = true
      if (value !== undefined) {
        known.add(key)
        return
      }
      known.delete(key)
      onDeleted(key)
    },
  })
  // An answer may be learnt from before the watch tells of a new connection: then the bucket itself is asked.
  const exists = async (connectionId: string) => known.has(connectionId) || (await isStored(bucket, connectionId))
  return {
    exists,
    find: async (connectionId) => (await bucket.get(connectionId)).value,
    missing: async (connectionIds) => {
      if (!isProjected) return []
      const present = await Promise.all(connectionIds.map(exists))
      return connectionIds.filter((_, index) => present[index] === false)
    },
    stop: () => watch.stop(),
  }
}

async function isStored(bucket: Bucket<ProjectedConnection>, connectionId: string): Promise<boolean> {
  try {
    return (await bucket.get(connectionId)).value !== undefined
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    return true // There is one, although it cannot be read.
  }
}
