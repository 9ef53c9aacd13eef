import { apiKeyProjection, connectionProjection, type ProjectedConnection } from '@sluice/contracts'
import type { BaseUrlRules } from '@sluice/egress'
import { type Bus, openBucket } from '@sluice/messaging'
import { LearnedModels } from '../estimate/learned-models.ts'
import type { ApiKeys, Connections } from '../ports.ts'
import { type ApiKey, prepareApiKey } from './api-key.ts'
import { type Connection, prepareConnection } from './connection.ts'
import { type VerifiedWatch, type VerifiedWatchOptions, verifiedWatch } from './verified-watch.ts'

export interface WatchedApiKeys extends ApiKeys, VerifiedWatch {}

/** Follows the API keys' projection; resolves when all its entries are known. */
export async function watchApiKeys(
  bus: Bus,
  options: Pick<VerifiedWatchOptions<unknown>, 'maxAgeMs' | 'logger' | 'onFault'>,
): Promise<WatchedApiKeys> {
  const byHash = new Map<string, ApiKey>()
  const watch = await verifiedWatch(bus, await openBucket(bus, apiKeyProjection), {
    ...options,
    what: 'API keys',
    onEntry: ({ key, value }) => {
      if (value === undefined) byHash.delete(key)
      else byHash.set(key, prepareApiKey(key, value))
    },
  })
  return { byHash: (hash) => byHash.get(hash), ...watch }
}

export interface WatchedConnections extends Connections, VerifiedWatch {}

export interface ConnectionListeners {
  /** Called with a connection that is new or has changed in any way. */
  readonly onConnection: (settings: ProjectedConnection) => void
  /** Called when a connection appears for the first time, before anything was learned about it. */
  readonly onFirst: (connectionId: string, learned: LearnedModels) => void
  readonly onRemoved: (connectionId: string) => void
}

/** Follows the connections' projection; resolves when all its entries are known. */
export async function watchConnections(
  bus: Bus,
  rules: BaseUrlRules,
  { onConnection, onFirst, onRemoved }: ConnectionListeners,
  options: Pick<VerifiedWatchOptions<unknown>, 'maxAgeMs' | 'logger' | 'onFault'>,
): Promise<WatchedConnections> {
  const byName = new Map<string, Connection>()
  const nameById = new Map<string, string>()
  const learnedById = new Map<string, LearnedModels>()

  const forgetName = (id: string): void => {
    const name = nameById.get(id)
    // Another connection may have taken the name in the meantime.
    if (name !== undefined && byName.get(name)?.settings.id === id) byName.delete(name)
    nameById.delete(id)
  }

  const watch = await verifiedWatch(bus, await openBucket(bus, connectionProjection), {
    ...options,
    what: 'connections',
    onEntry: ({ key, value }) => {
      const before = byName.get(nameById.get(key) ?? '')
      forgetName(key)
      if (value === undefined) {
        learnedById.delete(key)
        onRemoved(key)
        return
      }
      const learned = learnedById.get(key) ?? new LearnedModels()
      if (!learnedById.has(key)) onFirst(key, learned)
      learnedById.set(key, learned)
      nameById.set(key, value.name)
      byName.set(value.name, prepareConnection(value, rules, learned, before?.settings.id === key ? before : undefined))
      onConnection(value)
    },
  })
  return { byName: (name) => byName.get(name), all: () => byName.values(), ...watch }
}
