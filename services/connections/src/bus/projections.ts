import { apiKeyProjection, connectionChanged, connectionProjection } from '@sluice/contracts'
import { type Bus, publishEvent } from '@sluice/messaging'
import { sql } from 'kysely'
import { validate as isUuid } from 'uuid'
import { type ApiKey, toApiKeyProjection } from '../api-keys/api-key.ts'
import { fromApiKeyRow } from '../api-keys/api-key-store.ts'
import { type Connection, toProjection } from '../connections/connection.ts'
import { fromRow, selectConnections } from '../connections/connection-rows.ts'
import type { Database } from '../database/database.ts'
import type { OutboxEntry } from './outbox.ts'
import { openProjection, type ProjectionListeners } from './projection.ts'

/** What the projections are made of: the committed state at the moment of asking. */
export interface ProjectionSource {
  /** All, or those of `ids` that are there; what is no id is passed over. */
  connections(ids?: readonly string[]): Promise<readonly Connection[]>
  /** All, or those of `hashes` that are there. */
  apiKeys(hashes?: readonly string[]): Promise<readonly ApiKey[]>
}

/** One parameter, however many values. */
function anyOf(values: readonly string[], type: 'uuid[]' | 'text[]') {
  return sql<string>`any(${values}::${sql.raw(type)})`
}

export function createProjectionSource(database: Database): ProjectionSource {
  return {
    connections: async (ids) => {
      const rows = await database.run((db) => {
        const query = selectConnections(db)
        return (ids === undefined ? query : query.where('c.id', '=', anyOf(ids.filter(isUuid), 'uuid[]'))).execute()
      })
      return rows.map(fromRow)
    },
    apiKeys: async (hashes) => {
      const rows = await database.run((db) => {
        const query = db.selectFrom('api_keys').selectAll()
        return (hashes === undefined ? query : query.where('hash', '=', anyOf(hashes, 'text[]'))).execute()
      })
      return rows.map(fromApiKeyRow)
    },
  }
}

/** Both buckets, as they follow the database. */
export interface Projections {
  /** Projects what the outbox's entries tell of; afterwards publishes the events of connections' changes, in order. */
  publish(entries: readonly OutboxEntry[]): Promise<void>
  reconcile(): Promise<void>
  stop(): void
}

/** Opens both buckets, and makes them if they are not there. */
export async function openProjections(
  bus: Bus,
  source: ProjectionSource,
  listeners: ProjectionListeners,
): Promise<Projections> {
  const projectedConnections = async (ids?: readonly string[]) =>
    new Map((await source.connections(ids)).map((connection) => [connection.id, toProjection(connection)]))
  const projectedKeys = async (hashes?: readonly string[]) =>
    new Map((await source.apiKeys(hashes)).map((key) => [key.hash, toApiKeyProjection(key)]))
  const connections = await openProjection(
    bus,
    connectionProjection,
    { some: projectedConnections, all: projectedConnections },
    listeners,
  )
  const apiKeys = await openProjection(
    bus,
    apiKeyProjection,
    { some: projectedKeys, all: projectedKeys },
    listeners,
  ).catch((error: unknown) => {
    connections.stop()
    throw error
  })
  return {
    publish: async (entries) => {
      const changes = entries.flatMap((entry) => (entry.kind === 'connection' ? [entry.change] : []))
      const hashes = entries.flatMap((entry) => (entry.kind === 'api-key' ? [entry.hash] : []))
      await Promise.all([apiKeys.sync(hashes), connections.sync(changes.map(({ connectionId }) => connectionId))])
      await Promise.all(changes.map((change) => publishEvent(bus, connectionChanged, [change.connectionId], change)))
    },
    reconcile: async () => {
      await Promise.all([apiKeys.reconcile(), connections.reconcile()])
    },
    stop: () => {
      connections.stop()
      apiKeys.stop()
    },
  }
}
