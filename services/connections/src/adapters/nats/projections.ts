import { apiKeyProjection, connectionChanged, connectionProjection } from '@sluice/contracts'
import { type Bus, publishEvent } from '@sluice/messaging'
import { toApiKeyProjection } from '../../domain/api-key.ts'
import { toProjection } from '../../domain/connection.ts'
import type { OutboxEntry } from '../../ports/outbox.ts'
import type { ProjectionSource } from '../../ports/projection-source.ts'
import { openProjection, type ProjectionListeners } from './projection.ts'

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
