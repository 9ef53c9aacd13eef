import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Every change of the schema, in order. One that has been released is never edited: the next change is a new one. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-limits': {
    up: async (db: Kysely<unknown>) => {
      for (const statement of LIMITS) await sql.raw(statement).execute(db)
    },
  },
}

const LIMITS = [
  `create table discovery.limits (
    connection_id text collate "C" not null,
    model text collate "C" not null,
    dimension text collate "C" not null,
    limit_value bigint not null,
    period_ms bigint,
    remaining bigint,
    reset_at timestamptz,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    changes integer not null,
    primary key (connection_id, model, dimension)
  )`,
  `create table discovery.limit_history (
    id bigint generated always as identity primary key,
    connection_id text collate "C" not null,
    model text collate "C" not null,
    dimension text collate "C" not null,
    old_limit bigint,
    new_limit bigint not null,
    changed_at timestamptz not null
  )`,
  `create index limit_history_limit on discovery.limit_history (connection_id, model, dimension, changed_at)`,
]
