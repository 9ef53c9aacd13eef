import { setTimeout as sleep } from 'node:timers/promises'
import {
  type DiscoveredLimit,
  discovered,
  type ModelLimit,
  modelLimits,
  type ProjectedConnection,
} from '@sluice/contracts'
import { type Bucket, type Bus, openBucket, type Watch } from '@sluice/messaging'
import { pause } from '@sluice/service-kit'
import { type EnforcedLimits, limitsOf } from '../record/limits.ts'

/** The limits that connections have now. */
export interface LimitsSource {
  /** Undefined where no such connection is known here. */
  limitsFor(connectionId: string): EnforcedLimits | undefined
  /** As {@link limitsFor}, asking the bus where it is not known here: a connection may be younger than the last news of it. */
  lookUp(connectionId: string): Promise<EnforcedLimits | undefined>
}

export interface WatchedLimits extends LimitsSource {
  /** Begins to follow the connections; resolves when every one that is there is known. */
  follow(): Promise<void>
  /** Resolves when a connection asks for what is discovered to be held. */
  readonly enforcing: Promise<void>
  /** Whether one does now. */
  isEnforcing(): boolean
  /** Begins to follow what is discovered; resolves when all of it is known. Until then nothing discovered is held. */
  followDiscovered(bucket: Bucket<DiscoveredEntry>): Promise<void>
  stop(): void
}

interface DiscoveredEntry {
  limits: DiscoveredLimit[]
}

type ModelLimits = ReadonlyMap<string, readonly ModelLimit[]>

/** The limits of the `connections` projection, and with them those of the `discovered` one for connections that ask for it. */
export function createWatchedLimits(bucket: Bucket<ProjectedConnection>, onFault: (error: unknown) => void): WatchedLimits {
  /** Those that ask for what is discovered to be held. */
  const enforcing = new Map<string, ProjectedConnection>()
  const first = Promise.withResolvers<void>()
  const discovered = new Map<string, ModelLimits>()
  const held = new Map<string, EnforcedLimits>()
  const watches: Watch[] = []
  let stopped = false

  const heldBy = ({ id, capacity, enforceDiscovered }: ProjectedConnection): EnforcedLimits => ({
    configured: limitsOf(capacity),
    ...(enforceDiscovered === true ? { discovered: discovered.get(id) ?? NOTHING_DISCOVERED } : {}),
  })
  const keep = (watch: Watch): void => {
    if (stopped) watch.stop()
    else watches.push(watch)
  }

  return {
    follow: async () => {
      const watch = await bucket.watch({
        onFault,
        onEntry: ({ key, value }) => {
          if (value?.enforceDiscovered === true) {
            enforcing.set(key, value)
            first.resolve()
          } else {
            enforcing.delete(key)
          }
          if (value !== undefined) held.set(key, heldBy(value))
          else held.delete(key)
        },
      })
      keep(watch)
    },
    enforcing: first.promise,
    isEnforcing: () => enforcing.size > 0,
    followDiscovered: async (discoveredBucket) => {
      const watch = await discoveredBucket.watch({
        onFault,
        onEntry: ({ key, value }) => {
          if (value === undefined) discovered.delete(key)
          else discovered.set(key, byModel(modelLimits(value.limits)))
          const connection = enforcing.get(key)
          if (connection !== undefined) held.set(key, heldBy(connection))
        },
      })
      keep(watch)
    },
    limitsFor: (connectionId) => held.get(connectionId),
    lookUp: async (connectionId) => {
      const { value } = await bucket.get(connectionId)
      return value === undefined ? undefined : heldBy(value)
    },
    stop: () => {
      stopped = true
      for (const watch of watches) watch.stop()
    },
  }
}

function byModel(limits: readonly ModelLimit[]): ModelLimits {
  const models = new Map<string, ModelLimit[]>()
  for (const limit of limits) models.set(limit.model, [...(models.get(limit.model) ?? []), limit])
  return models
}

const NOTHING_DISCOVERED: ModelLimits = new Map()

export interface FollowedDiscovered {
  stop(): void
}

/**
 * Has `limits` follow what is discovered from when a connection asks for it, so that it costs nothing before; resolves when all of it
 * is known, at once where no connection asks. Permits do not depend on discovery, which makes that bucket: where it is not
 * there in half a second, resolves all the same, and it is followed from when it is.
 */
export async function followDiscovered(
  bus: Bus,
  limits: Pick<WatchedLimits, 'followDiscovered' | 'enforcing' | 'isEnforcing'>,
  onFault: (error: unknown) => void,
): Promise<FollowedDiscovered> {
  const stopping = new AbortController()
  const follow = async (): Promise<void> => {
    await limits.enforcing
    while (!stopping.signal.aborted) {
      try {
        return await limits.followDiscovered(await openBucket(bus, discovered))
      } catch (error) {
        if (stopping.signal.aborted) return
        onFault(error)
        await pause(AGAIN_MS, stopping.signal)
      }
    }
  }
  const following = follow()
  if (limits.isEnforcing()) await Promise.race([following, sleep(WITHIN_MS)])
  return { stop: () => stopping.abort() }
}

const WITHIN_MS = 500
const AGAIN_MS = 1_000
