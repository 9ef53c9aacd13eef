import type { ColumnType, Generated } from 'kysely'

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
  config: Json
  description: string
  allowed_models: Json | null
  capacity: Json
  default_max_output_tokens: number
  token_reservation: string
  on_capacity_unavailable: string
  max_wait_ms: number
  enforce_discovered: boolean
  allow_administration: boolean
  request_stream_usage: boolean
  enabled: boolean
  /** The current version in `credentials`; null where the provider needs no credential. */
  credential_version: number | null
  version: number
  created_at: Date
  updated_at: Date
}

/** Every version of every credential, each in its own envelope for as long as it may be used. */
export interface CredentialTable {
  connection_id: string
  version: number
  /** Null once it is destroyed. */
  envelope: Json | null
  /** Why the credential cannot be used; null when it can, as far as is known. */
  fault: Json | null
  hint: string
  created_at: Date
  /** The actor. */
  created_by: string
  /** The version whose secret it has, if it was created by a rollback. */
  restores: number | null
}

export interface ApiKeyTable {
  id: string
  name: string
  hash: string
  hint: string
  /** `"*"`, or an array of connection ids. */
  connections: Json
  expires_at: Date | null
  created_at: Date
  last_used_at: Date | null
}

export interface OperatorTokenTable {
  id: string
  name: string
  hash: string
  role: string
  expires_at: Date | null
  created_at: Date
  last_used_at: Date | null
}

/** Operators' sessions; they are deleted with their tokens. */
interface SessionTable {
  id: string
  hash: string
  operator_token_id: string
  created_at: Date
  expires_at: Date
}

/** Actions with actor, subject, time and the views before and after; and refused requests. Never a secret. */
export interface AuditLogTable {
  id: Generated<number>
  at: Generated<Date>
  actor: string
  /** The token may have been revoked since. */
  actor_token_id: string | null
  action: string
  subject_id: string | null
  before: Json | null
  after: Json | null
  details: Json | null
}

/**
 * Committed changes that are not published yet, in the order of their ids, except that restrictions are published
 * first.
 */
export interface OutboxTable {
  id: Generated<number>
  kind: string
  /** The connection's id, or the API key's hash. */
  key: string
  /** A `ConnectionChange`; null for API keys. */
  change: Json | null
  restricts: Generated<boolean>
}

/**
 * A lock across instances, held until the transaction that took it ends: a row in the service's own schema, which no
 * other database role may lock. Advisory locks belong to the database, and any role that may connect can take them.
 */
export type LockName = 'outbox' | 'first-operator-token'

interface LocksTable {
  name: LockName
}

/** One row: the key pair to which secrets on the bus are sealed. */
interface SealingKeyTable {
  singleton: Generated<true>
  public_key: string
  /** The private key, in an envelope. */
  envelope: Json
}

/**
 * A jsonb column: validated where it is read, and written as JSON text, as the driver would write an array in
 * PostgreSQL's own array syntax.
 */
type Json = ColumnType<unknown, string, string>
