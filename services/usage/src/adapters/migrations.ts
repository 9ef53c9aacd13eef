import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Every change of the schema, in order. One that has been released is never edited: the next change is a new one. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-rollups': {
    up: async (db: Kysely<unknown>) => {
      for (const statement of ROLLUPS) await sql.raw(statement).execute(db)
    },
  },
}

const ROLLUPS = [
  `create table usage.rollups (
    minute_at timestamptz not null,
    connection_id text collate "C" not null,
    model text collate "C" not null,
    api_key_id text collate "C" not null,
    outcome text collate "C" not null,
    denied_by text collate "C" not null,
    requests bigint not null,
    input_tokens bigint not null,
    output_tokens bigint not null,
    cached_input_tokens bigint not null,
    reasoning_tokens bigint not null,
    primary key (connection_id, minute_at, model, api_key_id, outcome, denied_by)
  )`,
  `create table usage.seen_batches (
    gateway text collate "C" not null,
    batch bigint not null,
    seen_at timestamptz not null default now(),
    primary key (gateway, batch)
  )`,
  'create index seen_batches_seen_at on usage.seen_batches (seen_at)',
]
