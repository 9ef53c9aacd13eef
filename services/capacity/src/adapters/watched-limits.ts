import { type DiscoveredLimit, type ModelLimit, modelLimits, type ProjectedConnection } from '@sluice/contracts'
import type { Bucket, Watch } from '@sluice/messaging'
import { type HeldLimits, limitsOf } from '../domain/limits.ts'
import type { LimitsSource } from '../ports/limits-source.ts'

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
export function watchedLimits(bucket: Bucket<ProjectedConnection>, onFault: (error: unknown) => void): WatchedLimits {
  /** Those that ask for what is discovered to be held. */
  const enforcing = new Map<string, ProjectedConnection>()
  const first = Promise.withResolvers<void>()
  const discovered = new Map<string, ModelLimits>()
  const held = new Map<string, HeldLimits>()
  const watches: Watch[] = []
  let stopped = false

  const heldBy = ({ id, capacity, enforceDiscovered }: ProjectedConnection): HeldLimits => ({
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
