import type { ProjectedConnection } from '@sluice/contracts'
import type { Bucket, Watch } from '@sluice/messaging'
import { type Limits, limitsOf } from '../domain/limits.ts'
import type { LimitsSource } from '../ports/limits-source.ts'

export interface WatchedLimits extends LimitsSource {
  /**
   * Begins to follow the connections; resolves when every one that is there is known.
   * @param onDeleted told of each connection that is deleted from now on, maybe more than once
   */
  follow(onDeleted: (connectionId: string) => void): Promise<void>
  stop(): void
}

/** The limits of the `connections` projection. */
export function watchedLimits(bucket: Bucket<ProjectedConnection>, onFault: (error: unknown) => void): WatchedLimits {
  const known = new Map<string, Limits>()
  let watch: Watch | undefined
  return {
    follow: async (onDeleted) => {
      watch = await bucket.watch({
        onFault,
        onEntry: ({ key, value }) => {
          if (value !== undefined) known.set(key, limitsOf(value.capacity))
          else if (known.delete(key)) onDeleted(key)
        },
      })
    },
    limitsFor: (connectionId) => known.get(connectionId),
    lookUp: async (connectionId) => {
      const { value } = await bucket.get(connectionId)
      return value === undefined ? undefined : limitsOf(value.capacity)
    },
    stop: () => watch?.stop(),
  }
}
