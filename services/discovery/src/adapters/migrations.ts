import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Every change of the schema, in order. One that has been released is never edited: the next change is a new one. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-limits': migration(() => LIMITS),
  '0002-period-confidence': migration(() => PERIOD_CONFIDENCE),
  '0003-set-aside': migration(() => SET_ASIDE),
  '0004-source': migration(() => ['alter table discovery.limits add column source text']),
  '0005-locks': migration(() => LOCKS),
}

/** As many rows as there are locks for connections: many more than instances learn from responses at a time. */
export const LOCK_SLOTS = 1_024

function migration(statements: () => readonly string[]): Migration {
  return {
    up: async (db: Kysely<unknown>) => {
      for (const statement of statements()) await sql.raw(statement).execute(db)
    },
  }
}

const LOCKS = [
  'create table discovery.locks (slot smallint primary key)',
  `insert into discovery.locks select generate_series(0, ${LOCK_SLOTS - 1})`,
]

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

/** Whatever period is known so far was told by one answer at least. */
const PERIOD_CONFIDENCE = [
  'alter table discovery.limits add column period_confidence smallint not null default 1',
  'alter table discovery.limits alter column period_confidence drop default',
]

const SET_ASIDE = [
  `create table discovery.set_aside (
    stream_sequence bigint primary key,
    subject text not null,
    reason text not null,
    data bytea not null,
    set_aside_at timestamptz not null
  )`,
]
