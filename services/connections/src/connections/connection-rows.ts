import type { CredentialFault, ProviderId } from '@sluice/contracts'
import type { Insertable, Kysely, Selectable } from 'kysely'
import type { ConnectionTable, Tables } from '../database/tables.ts'
import type { Connection } from './connection.ts'

type Row = Selectable<ConnectionTable> & {
  readonly hint: string | null
  readonly rotated_at: Date | null
  readonly restores: number | null
  readonly fault: CredentialFault | null
}

/** Connections, each with what is known of its current credential. */
export function selectConnections(db: Kysely<Tables>) {
  return db
    .selectFrom('connections as c')
    .leftJoin('credentials as k', (join) =>
      join.onRef('k.connection_id', '=', 'c.id').onRef('k.version', '=', 'c.credential_version'),
    )
    .selectAll('c')
    .select(['k.hint', 'k.created_at as rotated_at', 'k.restores', 'k.fault'])
}

export function fromRow(row: Row): Connection {
  return {
    id: row.id,
    name: row.name,
    provider: row.provider as ProviderId,
    config: row.config,
    ...credentialIn(row),
    description: row.description,
    ...(row.allowed_models === null ? {} : { allowedModels: row.allowed_models }),
    capacity: row.capacity,
    defaultMaxOutputTokens: row.default_max_output_tokens,
    tokenReservation: row.token_reservation,
    onCapacityUnavailable: row.on_capacity_unavailable,
    maxWaitMs: row.max_wait_ms,
    enforceDiscovered: row.enforce_discovered,
    allowAdministration: row.allow_administration,
    requestStreamUsage: row.request_stream_usage,
    enabled: row.enabled,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

export function toRow(connection: Connection): Insertable<ConnectionTable> {
  return {
    id: connection.id,
    name: connection.name,
    provider: connection.provider,
    config: JSON.stringify(connection.config),
    description: connection.description,
    allowed_models: connection.allowedModels === undefined ? null : JSON.stringify(connection.allowedModels),
    capacity: JSON.stringify(connection.capacity),
    default_max_output_tokens: connection.defaultMaxOutputTokens,
    token_reservation: connection.tokenReservation,
    on_capacity_unavailable: connection.onCapacityUnavailable,
    max_wait_ms: connection.maxWaitMs,
    enforce_discovered: connection.enforceDiscovered,
    allow_administration: connection.allowAdministration,
    request_stream_usage: connection.requestStreamUsage,
    enabled: connection.enabled,
    credential_version: connection.credential?.version ?? null,
    version: connection.version,
    created_at: connection.createdAt,
    updated_at: connection.updatedAt,
  }
}

function credentialIn({ credential_version: version, hint, rotated_at: rotatedAt, restores, fault }: Row) {
  if (version === null || hint === null || rotatedAt === null) return {}
  return {
    credential: {
      version,
      hint,
      rotatedAt,
      ...(restores === null ? {} : { restores }),
      ...(fault === null ? {} : { fault }),
    },
  }
}
