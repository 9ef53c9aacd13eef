import { ConnectionView, CredentialFault } from '@sluice/contracts'
import { readStored } from '@sluice/postgres'
import type { Insertable, Kysely, Selectable } from 'kysely'
import { Type } from 'typebox'
import type { ConnectionTable, Tables } from '../database/tables.ts'
import type { Connection, CredentialSummary } from './connection.ts'

type Row = Selectable<ConnectionTable> & {
  readonly hint: string | null
  readonly rotated_at: Date | null
  readonly restores: number | null
  readonly fault: unknown
}

/** Selects connections, each with the summary of its current credential. */
export function selectConnections(db: Kysely<Tables>) {
  return db
    .selectFrom('connections as c')
    .leftJoin('credentials as k', (join) =>
      join.onRef('k.connection_id', '=', 'c.id').onRef('k.version', '=', 'c.credential_version'),
    )
    .selectAll('c')
    .select(['k.hint', 'k.created_at as rotated_at', 'k.restores', 'k.fault'])
}

/** @throws SluiceError `internal` when the row has another shape than this service writes */
export function fromConnectionRow(row: Row): Connection {
  const valid = readStored(ConnectionColumns, row, `connection ${row.id}`)
  const credential = credentialIn(row)
  return {
    id: row.id,
    name: row.name,
    provider: valid.provider,
    config: valid.config,
    ...(credential === undefined ? {} : { credential }),
    description: row.description,
    ...(valid.allowed_models === null ? {} : { allowedModels: valid.allowed_models }),
    capacity: valid.capacity,
    defaultMaxOutputTokens: row.default_max_output_tokens,
    tokenReservation: valid.token_reservation,
    onCapacityUnavailable: valid.on_capacity_unavailable,
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

/** The columns whose SQL type says less than their type here. */
const ConnectionColumns = Type.Object({
  provider: ConnectionView.properties.provider,
  config: ConnectionView.properties.config,
  allowed_models: Type.Union([Type.Array(Type.String()), Type.Null()]),
  capacity: ConnectionView.properties.capacity,
  token_reservation: ConnectionView.properties.tokenReservation,
  on_capacity_unavailable: ConnectionView.properties.onCapacityUnavailable,
})

export function toConnectionRow(connection: Connection): Insertable<ConnectionTable> {
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

/** Returns the fault of a stored credential, undefined for null. */
export function toCredentialFault(fault: unknown, what: string): CredentialFault | undefined {
  return fault === null ? undefined : readStored(CredentialFault, fault, what)
}

function credentialIn(row: Row): CredentialSummary | undefined {
  const { id, credential_version: version, hint, rotated_at: rotatedAt, restores } = row
  if (version === null || hint === null || rotatedAt === null) return undefined
  const fault = toCredentialFault(row.fault, `the credential fault of connection ${id}`)
  return {
    version,
    hint,
    rotatedAt,
    ...(restores === null ? {} : { restores }),
    ...(fault === undefined ? {} : { fault }),
  }
}
