import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Every change of the schema, in order. Never edit one that has been released: add the next. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-schema': {
    up: async (db: Kysely<unknown>) => {
      for (const statement of SCHEMA_0001) await sql.raw(statement).execute(db)
    },
  },
}

const SCHEMA_0001 = [
  `create table connections.connections (
    id uuid primary key,
    name text collate "C" not null constraint connections_name_key unique,
    provider text not null,
    config jsonb not null,
    description text not null,
    allowed_models jsonb,
    capacity jsonb not null,
    default_max_output_tokens integer not null,
    token_reservation text not null,
    on_capacity_unavailable text not null,
    max_wait_ms integer not null,
    enforce_discovered boolean not null,
    allow_administration boolean not null,
    request_stream_usage boolean not null,
    enabled boolean not null,
    credential_version integer,
    version integer not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
  )`,
  `create table connections.credentials (
    connection_id uuid not null references connections.connections on delete cascade,
    version integer not null,
    envelope jsonb,
    fault jsonb,
    hint text not null,
    created_at timestamptz not null,
    created_by text not null,
    restores integer,
    primary key (connection_id, version)
  )`,
  `create table connections.api_keys (
    id uuid primary key,
    name text not null,
    hash text not null unique,
    hint text not null,
    connections jsonb not null,
    expires_at timestamptz,
    created_at timestamptz not null,
    last_used_at timestamptz
  )`,
  `create table connections.operator_tokens (
    id uuid primary key,
    name text not null,
    hash text not null unique,
    role text not null,
    expires_at timestamptz,
    created_at timestamptz not null,
    last_used_at timestamptz
  )`,
  `create table connections.sessions (
    id uuid primary key,
    hash text not null unique,
    operator_token_id uuid not null references connections.operator_tokens on delete cascade,
    created_at timestamptz not null,
    expires_at timestamptz not null
  )`,
  'create index sessions_operator_token on connections.sessions (operator_token_id)',
  `create table connections.audit_log (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor text not null,
    actor_token_id uuid,
    action text not null,
    subject_id uuid,
    before jsonb,
    after jsonb,
    details jsonb
  )`,
  'create index audit_log_subject on connections.audit_log (subject_id, id)',
  `create table connections.outbox (
    id bigint generated always as identity primary key,
    kind text not null,
    key text not null,
    change jsonb,
    restricts boolean not null default false
  )`,
  'create index outbox_restricts on connections.outbox (id) where restricts',
  'create index outbox_key on connections.outbox (key)',
  'create table connections.locks (name text primary key)',
  `insert into connections.locks values ('outbox'), ('first-operator-token')`,
  `create table connections.sealing_key (
    singleton boolean primary key default true check (singleton),
    public_key text not null,
    envelope jsonb not null
  )`,
]
