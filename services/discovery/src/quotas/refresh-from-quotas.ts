import {
  type ProjectedConnection,
  type RateLimitReading,
  type ReplyOf,
  type refreshDiscovered,
  SluiceError,
} from '@sluice/contracts'
import { type BedrockRole, readBedrockRole } from '@sluice/providers'
import type { LimitChange } from '../learn/learn.ts'
import type { KnownConnections, LimitProjection, LimitStore, QuotaSource } from '../ports.ts'
import { quotaReadings } from './quota-readings.ts'

/** @throws SluiceError `invalid_request` when the connection is to another provider, or its config names no role */
function bedrockRole({ provider, config }: ProjectedConnection): BedrockRole {
  if (provider !== 'aws-bedrock') {
    throw new SluiceError(
      'invalid_request',
      'Only AWS reports limits on request; the connection is to another provider.',
    )
  }
  const read = readBedrockRole(config)
  if (read.valid) return read.role
  throw new SluiceError('invalid_request', "The connection's config names no role.", { fields: read.errors })
}

export interface RefreshFromQuotasOptions {
  readonly store: Pick<LimitStore, 'learn'>
  readonly projection: Pick<LimitProjection, 'refresh'>
  readonly connections: KnownConnections
  readonly quotas: QuotaSource
  /** Called with a connection that was deleted while its limits were being learned. */
  readonly forget: (connectionId: string) => void
  /** Called with each change once it is stored. */
  readonly announce: (change: LimitChange) => void
  /** Called with each quota that cannot be parsed, its name as the dimension. */
  readonly onUnreadable: (provider: 'aws-bedrock', reading: RateLimitReading) => void
  /** Unix milliseconds. */
  readonly now: () => number
}

type Refreshed = ReplyOf<typeof refreshDiscovered>

/**
 * Learns a connection's limits from its account's quotas, as from a response at that time. Concurrent calls for one
 * connection share one refresh and its outcome.
 * @throws SluiceError `not_found`, `invalid_request` when the connection is not to AWS Bedrock, and those of {@link QuotaSource} and
 *   {@link LimitStore}
 */
export function refreshFromQuotas(options: RefreshFromQuotasOptions): (connectionId: string) => Promise<Refreshed> {
  const underWay = new Map<string, Promise<Refreshed>>()
  return (connectionId) => {
    const joined = underWay.get(connectionId)
    if (joined !== undefined) return joined
    const refreshing = refresh(options, connectionId).finally(() => underWay.delete(connectionId))
    underWay.set(connectionId, refreshing)
    return refreshing
  }
}

async function refresh(options: RefreshFromQuotasOptions, connectionId: string): Promise<Refreshed> {
  const { store, projection, connections, quotas, forget, announce, onUnreadable, now } = options
  const connection = connectionId === '' ? undefined : await connections.find(connectionId)
  if (connection === undefined) throw new SluiceError('not_found', 'There is no such connection.')
  const role = bedrockRole(connection)
  const seenAtMs = now()
  const read = quotaReadings({ connectionId, region: role.region, seenAtMs }, await quotas.quotasOf(role))
  for (const name of read.unreadable) onUnreadable('aws-bedrock', { dimension: name, unreadable: ['limit'] })
  const changes = await store.learn(read.readings)
  for (const change of changes) announce(change)
  await projection.refresh([connectionId])
  // The connection may have been deleted, and its limits erased, before these were stored.
  if (!(await connections.exists(connectionId))) forget(connectionId)
  return {
    quotas: read.readings.length,
    changes: changes.length,
    unknownModels: read.unknownModels,
    unreadable: read.unreadable.length,
  }
}
