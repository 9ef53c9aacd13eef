import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Every change of the schema, in order. One that has been released is never edited: the next change is a new one. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-connections': {
    up: async (db: Kysely<unknown>) => {
      for (const statement of FIRST) await sql.raw(statement).execute(db)
    },
  },
  '0002-credential-fault': {
    up: async (db: Kysely<unknown>) => {
      await sql`alter table connections.credentials add column fault jsonb`.execute(db)
    },
  },
}

const FIRST = [
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
    enabled boolean not null,
    credential_version integer,
    version integer not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
  )`,
  `create table connections.credentials (
    connection_id uuid not null references connections.connections on delete cascade,
    version integer not null,
    envelope jsonb not null,
    hint text not null,
    created_at timestamptz not null,
    primary key (connection_id, version)
  )`,
  `create table connections.api_keys (
    id uuid primary key,
    name text not null,
    hash text not null unique,
    connections jsonb not null,
    expires_at timestamptz,
    created_at timestamptz not null
  )`,
  `create table connections.operator_tokens (
    id uuid primary key,
    name text not null,
    hash text not null unique,
    created_at timestamptz not null default now()
  )`,
  `create table connections.audit_log (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor text not null,
    action text not null,
    subject_id uuid not null,
    before jsonb,
    after jsonb
  )`,
  `create index audit_log_subject on connections.audit_log (subject_id, id)`,
  `create table connections.outbox (
    id bigint generated always as identity primary key,
    kind text not null,
    key text not null,
    change jsonb
  )`,
  `create table connections.sealing_key (
    only_row boolean primary key default true check (only_row),
    public_key text not null,
    envelope jsonb not null
  )`,
]
