import { apiKeyProjection, connectionChanged, connectionProjection } from '@sluice/contracts'
import { type Bus, publishEvent } from '@sluice/messaging'
import { sql } from 'kysely'
import { validate as isUuid } from 'uuid'
import { toApiKeyProjection } from '../api-keys/api-key.ts'
import { fromApiKeyRow, selectApiKeys } from '../api-keys/api-key-store.ts'
import { toProjection } from '../connections/connection.ts'
import { fromConnectionRow, selectConnections } from '../connections/connection-rows.ts'
import type { Database } from '../database/database.ts'
import type { OutboxEntry } from './outbox.ts'
import { openProjection, type ProjectionListeners } from './projection.ts'

/** The KV buckets of connections and of API keys, as they follow the database. */
export interface Projections {
  /** Projects the changes of these outbox entries, then publishes the connections' events, in order. */
  publish(entries: readonly OutboxEntry[]): Promise<void>
  reconcile(): Promise<void>
  stop(): void
}

/** Opens both buckets, and creates them if they do not exist. */
export async function openProjections(
  bus: Bus,
  database: Database,
  listeners: ProjectionListeners,
): Promise<Projections> {
  const someConnections = (ids?: readonly string[]) => projectedConnections(database, ids)
  const someKeys = (hashes?: readonly string[]) => projectedApiKeys(database, hashes)
  const connections = await openProjection(
    bus,
    connectionProjection,
    { some: someConnections, all: someConnections },
    listeners,
  )
  const apiKeys = await openProjection(bus, apiKeyProjection, { some: someKeys, all: someKeys }, listeners).catch(
    (error: unknown) => {
      connections.stop()
      throw error
    },
  )
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

/**
 * Returns the committed connections by id: all, or those of `ids` that exist. A value that is not a UUID is ignored.
 */
async function projectedConnections(database: Database, ids: readonly string[] | undefined) {
  const rows = await database.run((db) => {
    const query = selectConnections(db)
    return (ids === undefined ? query : query.where('c.id', '=', anyOf(ids.filter(isUuid), 'uuid[]'))).execute()
  })
  return new Map(rows.map((row) => [row.id, toProjection(fromConnectionRow(row))]))
}

/** Returns the committed API keys by hash: all, or those of `hashes` that exist. */
async function projectedApiKeys(database: Database, hashes: readonly string[] | undefined) {
  const rows = await database.run((db) => {
    const query = selectApiKeys(db)
    return (hashes === undefined ? query : query.where('hash', '=', anyOf(hashes, 'text[]'))).execute()
  })
  return new Map(rows.map((row) => [row.hash, toApiKeyProjection(fromApiKeyRow(row))]))
}

/** Compares with any number of values in one parameter. */
function anyOf(values: readonly string[], type: 'uuid[]' | 'text[]') {
  return sql<string>`any(${values}::${sql.raw(type)})`
}
