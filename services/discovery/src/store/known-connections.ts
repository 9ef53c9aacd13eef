import { type ProjectedConnection, SluiceError } from '@sluice/contracts'
import type { Bucket, Watch } from '@sluice/messaging'
import type { KnownConnections } from '../ports.ts'

export interface WatchedConnections extends KnownConnections {
  /**
   * Returns the connections of `connectionIds` that do not exist. Returns none while nothing was ever projected: a
   * bucket that was lost is filled again, and proves nothing until then.
   */
  missing(connectionIds: readonly string[]): Promise<string[]>
  stop(): void
}

/**
 * Follows the `connections` projection; resolves when all existing connections are known.
 * @param onDeleted called with each deleted connection, also one deleted before now, possibly more than once
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
  // A response may arrive before the watch reports its new connection: then the bucket itself is read.
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
    return true // It exists, although its entry is unreadable.
  }
}
