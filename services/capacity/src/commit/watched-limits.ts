/**
 * The limits that connections have now: followed in the `connections` projection and, where they are enforced, in
 * `discovered`.
 */
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

export interface LimitsSource {
  /** Returns undefined when the connection is not known here. */
  limitsFor(connectionId: string): EnforcedLimits | undefined
  /** Reads the projection: a connection may be younger than the last update that arrived here. */
  lookUp(connectionId: string): Promise<EnforcedLimits | undefined>
}

export interface WatchedLimits extends LimitsSource {
  /** Starts to follow the connections; resolves when all that exist are known. */
  follow(): Promise<void>
  /** Resolves when a connection enforces discovered limits. */
  readonly enforcing: Promise<void>
  /** Returns true while a connection enforces discovered limits. */
  isEnforcing(): boolean
  /** Starts to follow discovered limits; resolves when all that exist are known. Until then none are enforced. */
  followDiscovered(bucket: Bucket<DiscoveredEntry>): Promise<void>
  stop(): void
}

interface DiscoveredEntry {
  limits: DiscoveredLimit[]
}

type ModelLimits = ReadonlyMap<string, readonly ModelLimit[]>

export function createWatchedLimits(
  connections: Bucket<ProjectedConnection>,
  onFault: (error: unknown) => void,
): WatchedLimits {
  /** The connections that enforce discovered limits. */
  const enforcing = new Map<string, ProjectedConnection>()
  const first = Promise.withResolvers<void>()
  const discoveredLimits = new Map<string, ModelLimits>()
  const current = new Map<string, EnforcedLimits>()
  const watches: Watch[] = []
  let stopped = false

  const enforcedFor = ({ id, capacity, enforceDiscovered }: ProjectedConnection): EnforcedLimits => ({
    configured: limitsOf(capacity),
    ...(enforceDiscovered === true ? { discovered: discoveredLimits.get(id) ?? NOTHING_DISCOVERED } : {}),
  })
  const keep = (watch: Watch): void => {
    if (stopped) watch.stop()
    else watches.push(watch)
  }

  return {
    follow: async () => {
      const watch = await connections.watch({
        onFault,
        onEntry: ({ key, value }) => {
          if (value?.enforceDiscovered === true) {
            enforcing.set(key, value)
            first.resolve()
          } else {
            enforcing.delete(key)
          }
          if (value !== undefined) current.set(key, enforcedFor(value))
          else current.delete(key)
        },
      })
      keep(watch)
    },
    enforcing: first.promise,
    isEnforcing: () => enforcing.size > 0,
    followDiscovered: async (bucket) => {
      const watch = await bucket.watch({
        onFault,
        onEntry: ({ key, value }) => {
          if (value === undefined) discoveredLimits.delete(key)
          else discoveredLimits.set(key, byModel(modelLimits(value.limits)))
          const connection = enforcing.get(key)
          if (connection !== undefined) current.set(key, enforcedFor(connection))
        },
      })
      keep(watch)
    },
    limitsFor: (connectionId) => current.get(connectionId),
    lookUp: async (connectionId) => {
      const { value } = await connections.get(connectionId)
      return value === undefined ? undefined : enforcedFor(value)
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

/**
 * Follows discovered limits from the moment a connection enforces them, so that they cost nothing before. Resolves
 * when all are known, or at once when no connection enforces them. Permits do not depend on the discovery service,
 * which creates the bucket: when the bucket is not there within half a second, this resolves all the same and keeps
 * trying.
 */
export async function followDiscovered(
  bus: Bus,
  limits: Pick<WatchedLimits, 'followDiscovered' | 'enforcing' | 'isEnforcing'>,
  onFault: (error: unknown) => void,
): Promise<{ stop(): void }> {
  const stopping = new AbortController()
  const follow = async (): Promise<void> => {
    await limits.enforcing
    while (!stopping.signal.aborted) {
      try {
        return await limits.followDiscovered(await openBucket(bus, discovered))
      } catch (error) {
        if (stopping.signal.aborted) return
        onFault(error)
        await pause(RETRY_MS, stopping.signal)
      }
    }
  }
  const following = follow()
  if (limits.isEnforcing()) await Promise.race([following, sleep(START_WAIT_MS)])
  return { stop: () => stopping.abort() }
}

const NOTHING_DISCOVERED: ModelLimits = new Map()
const START_WAIT_MS = 500
const RETRY_MS = 1_000
