import type { CredentialFault, OperatorRole } from '@sluice/contracts'
import type { Generated, JSONColumnType } from 'kysely'
import type { ApiKey } from '../api-keys/api-key.ts'
import type { ConnectionChange } from '../bus/outbox.ts'
import type { ConnectionSettings } from '../connections/connection.ts'
import type { LockName } from './database.ts'

/** The tables of the schema `connections`. */
export interface Tables {
  connections: ConnectionTable
  credentials: CredentialTable
  api_keys: ApiKeyTable
  operator_tokens: OperatorTokenTable
  sessions: SessionTable
  audit_log: AuditLogTable
  locks: LocksTable
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
  enforce_discovered: boolean
  allow_administration: boolean
  request_stream_usage: boolean
  enabled: boolean
  /** The current version in `credentials`; null where there is none. */
  credential_version: number | null
  version: number
  created_at: Date
  updated_at: Date
}

/** Every version of every credential, each in an envelope of its own as long as it may be used. */
export interface CredentialTable {
  connection_id: string
  version: number
  /** Null once it is destroyed. */
  envelope: Json<object> | null
  /** Why it could not be opened when it was last asked for; null where it could. */
  fault: Json<CredentialFault> | null
  hint: string
  created_at: Date
  /** The actor; null where it is not known. */
  created_by: string | null
  /** The version whose secret it has, where it came by a roll-back. */
  restores: number | null
}

export interface ApiKeyTable {
  id: string
  name: string
  hash: string
  /** Null for keys made before it was kept. */
  hint: string | null
  connections: Json<{ readonly ids: ApiKey['connections'] }>
  expires_at: Date | null
  created_at: Date
  last_used_at: Date | null
}

export interface OperatorTokenTable {
  id: string
  name: string
  hash: string
  role: OperatorRole
  expires_at: Date | null
  created_at: Date
  last_used_at: Date | null
}

/** The console's sessions; they go with their tokens. */
export interface SessionTable {
  id: string
  hash: string
  operator_token_id: string
  created_at: Date
  expires_at: Date
}

/** Who did what to what, when, and how it stood before and after; and who was refused what: never a secret. */
export interface AuditLogTable {
  id: Generated<number>
  at: Generated<Date>
  actor: string
  /** It may be gone by now. */
  actor_token_id: string | null
  action: string
  subject_id: string | null
  before: Json<object> | null
  after: Json<object> | null
  details: Json<Readonly<Record<string, string>>> | null
}

/** Committed changes that the bus does not know yet, in the order they were made, but for what takes something away: that goes first. */
export interface OutboxTable {
  id: Generated<number>
  kind: 'connection' | 'api-key'
  /** The connection's id, or the API key's hash. */
  key: string
  change: Json<ConnectionChange> | null
  takes_away: Generated<boolean>
}

/** A row for each lock, which a transaction takes by locking it. */
export interface LocksTable {
  name: LockName
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
