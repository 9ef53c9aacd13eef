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
  '0003-credential-history': {
    up: async (db: Kysely<unknown>) => {
      for (const statement of CREDENTIAL_HISTORY) await sql.raw(statement).execute(db)
    },
  },
  '0004-access': {
    up: async (db: Kysely<unknown>) => {
      for (const statement of ACCESS) await sql.raw(statement).execute(db)
    },
  },
  '0005-enforce-discovered': {
    up: async (db: Kysely<unknown>) => {
      await sql`alter table connections.connections add column enforce_discovered boolean not null default false`.execute(
        db,
      )
    },
  },
  '0006-allow-administration': {
    up: async (db: Kysely<unknown>) => {
      await sql`alter table connections.connections add column allow_administration boolean not null default false`.execute(
        db,
      )
    },
  },
  '0007-what-takes-away-first': {
    up: async (db: Kysely<unknown>) => {
      for (const statement of TAKES_AWAY) await sql.raw(statement).execute(db)
    },
  },
  '0008-locks': {
    up: async (db: Kysely<unknown>) => {
      for (const statement of OWN_LOCKS) await sql.raw(statement).execute(db)
    },
  },
  '0009-request-stream-usage': {
    up: async (db: Kysely<unknown>) => {
      await sql`alter table connections.connections add column request_stream_usage boolean not null default true`.execute(
        db,
      )
    },
  },
}

const OWN_LOCKS = [
  'create table connections.locks (name text primary key)',
  `insert into connections.locks values ('outbox'), ('first-operator-token')`,
]

const TAKES_AWAY = [
  'alter table connections.outbox add column takes_away boolean not null default false',
  'create index outbox_takes_away on connections.outbox (id) where takes_away',
  'create index outbox_key on connections.outbox (key)',
]

/** An envelope is destroyed when its version may no longer be used; who made the versions there are is in the audit log. */
const CREDENTIAL_HISTORY = [
  `alter table connections.credentials
    alter column envelope drop not null,
    add column created_by text,
    add column restores integer`,
  `update connections.credentials k set created_by = a.actor
    from connections.audit_log a
    where a.subject_id = k.connection_id
      and a.action in ('connection.created', 'connection.rotated')
      and (a.after->'credential'->>'version')::integer = k.version`,
]

/** What is known of keys and tokens; console sessions; refusals in the audit log. All tokens so far are admins'. */
const ACCESS = [
  'alter table connections.api_keys add column hint text, add column last_used_at timestamptz',
  `alter table connections.operator_tokens
    add column role text not null default 'admin',
    add column expires_at timestamptz,
    add column last_used_at timestamptz`,
  'alter table connections.operator_tokens alter column role drop default, alter column created_at drop default',
  `create table connections.sessions (
    id uuid primary key,
    hash text not null unique,
    operator_token_id uuid not null references connections.operator_tokens on delete cascade,
    created_at timestamptz not null,
    expires_at timestamptz not null
  )`,
  'create index sessions_operator_token on connections.sessions (operator_token_id)',
  `alter table connections.audit_log
    alter column subject_id drop not null,
    add column actor_token_id uuid,
    add column details jsonb`,
]

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
