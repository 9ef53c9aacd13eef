import { apiKeyProjection, connectionChanged, connectionProjection } from '@sluice/contracts'
import { type Bus, publishEvent } from '@sluice/messaging'
import { toApiKeyProjection } from '../../domain/api-key.ts'
import { toProjection } from '../../domain/connection.ts'
import type { OutboxEntry } from '../../ports/outbox.ts'
import type { ProjectionSource } from '../../ports/projection-source.ts'
import { openProjection } from './projection.ts'

/** Both buckets, as they follow the database. */
export interface Projections {
  /** Projects what an outbox entry tells of; for a connection's change, publishes its event afterwards. */
  publish(entry: OutboxEntry): Promise<void>
  reconcile(): Promise<void>
}

/** Opens both buckets, and makes them if they are not there. */
export async function openProjections(bus: Bus, source: ProjectionSource): Promise<Projections> {
  const connections = await openProjection(bus, connectionProjection, {
    one: async (id) => {
      const connection = await source.connection(id)
      return connection === undefined ? undefined : toProjection(connection)
    },
    all: async () =>
      new Map((await source.connections()).map((connection) => [connection.id, toProjection(connection)])),
  })
  const apiKeys = await openProjection(bus, apiKeyProjection, {
    one: async (hash) => {
      const key = await source.apiKey(hash)
      return key === undefined ? undefined : toApiKeyProjection(key)
    },
    all: async () => new Map((await source.apiKeys()).map((key) => [key.hash, toApiKeyProjection(key)])),
  })
  return {
    publish: async (entry) => {
      if (entry.kind === 'api-key') return apiKeys.sync(entry.hash)
      const { change } = entry
      await connections.sync(change.connectionId)
      await publishEvent(bus, connectionChanged, [change.connectionId], change)
    },
    reconcile: async () => {
      await connections.reconcile()
      await apiKeys.reconcile()
    },
  }
}
