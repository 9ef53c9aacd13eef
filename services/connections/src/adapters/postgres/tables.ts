import type { CredentialFault } from '@sluice/contracts'
import type { Generated, JSONColumnType } from 'kysely'
import type { ApiKey } from '../../domain/api-key.ts'
import type { ConnectionSettings } from '../../domain/connection.ts'
import type { ConnectionChange } from '../../ports/outbox.ts'

/** The tables of the schema `connections`. */
export interface Tables {
  connections: ConnectionTable
  credentials: CredentialTable
  api_keys: ApiKeyTable
  operator_tokens: OperatorTokenTable
  audit_log: AuditLogTable
  outbox: OutboxTable
  sealing_key: SealingKeyTable
}

export interface ConnectionTable {
  id: string
  name: string
  provider: string
  /** Without secret fields. */
  config: Json<Readonly<Record<string, unknown>>>
  description: string
  allowed_models: Json<string[]> | null
  capacity: Json<ConnectionSettings['capacity']>
  default_max_output_tokens: number
  token_reservation: ConnectionSettings['tokenReservation']
  on_capacity_unavailable: ConnectionSettings['onCapacityUnavailable']
  max_wait_ms: number
  enabled: boolean
  /** The current version in `credentials`; null where there is none. */
  credential_version: number | null
  version: number
  created_at: Date
  updated_at: Date
}

/** Every version of every credential, each in an envelope of its own. */
export interface CredentialTable {
  connection_id: string
  version: number
  envelope: Json<object>
  /** Why it could not be opened when it was last asked for; null where it could. */
  fault: Json<CredentialFault> | null
  hint: string
  created_at: Date
}

export interface ApiKeyTable {
  id: string
  name: string
  hash: string
  connections: Json<{ readonly ids: ApiKey['connections'] }>
  expires_at: Date | null
  created_at: Date
}

export interface OperatorTokenTable {
  id: string
  name: string
  hash: string
  created_at: Generated<Date>
}

/** Who did what to what, when, and how it stood before and after: never a secret. */
export interface AuditLogTable {
  id: Generated<number>
  at: Generated<Date>
  actor: string
  action: string
  subject_id: string
  before: Json<object> | null
  after: Json<object> | null
}

/** Committed changes that the bus does not know yet, in the order they were made. */
export interface OutboxTable {
  id: Generated<number>
  kind: 'connection' | 'api-key'
  /** The connection's id, or the API key's hash. */
  key: string
  change: Json<ConnectionChange> | null
}

/** One row: the service's own key pair for secrets on the bus. */
export interface SealingKeyTable {
  only_row: Generated<true>
  public_key: string
  /** The private key, in an envelope. */
  envelope: Json<object>
}

/** Read as a value, written as JSON text: the driver would write an array as PostgreSQL's own arrays. */
type Json<Value extends object | null> = JSONColumnType<Value>
