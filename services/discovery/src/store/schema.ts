import type { LimitSource } from '@sluice/contracts'
import { type GeneratedAlways, type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** The tables of the schema `discovery`, as the newest migration leaves them. */
export interface Tables {
  'discovery.limits': LimitsTable
  'discovery.limit_history': LimitHistoryTable
}

interface LimitsTable {
  connection_id: string
  model: string
  dimension: string
  limit_value: number
  /** Null when unknown. */
  period_ms: number | null
  /** The confidence in the period: see the domain's `PeriodBelief`. */
  period_confidence: number
  remaining: number | null
  reset_at: Date | null
  first_seen_at: Date
  last_seen_at: Date
  changes: number
  /** The latest source; null: the provider's responses to requests. */
  source: LimitSource | null
}

interface LimitHistoryTable {
  id: GeneratedAlways<number>
  connection_id: string
  model: string
  dimension: string
  /** Null where the limit was seen for the first time. */
  old_limit: number | null
  new_limit: number
  changed_at: Date
}

/** Every change of the schema, in order. One that has been released is never edited: the next change is a new one. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-limits': migration(() => LIMITS),
  '0002-period-confidence': migration(() => PERIOD_CONFIDENCE),
  '0003-set-aside': migration(() => SET_ASIDE),
  '0004-source': migration(() => ['alter table discovery.limits add column source text']),
  '0005-locks': migration(() => LOCKS),
  '0006-dead-letters': migration(() => DEAD_LETTERS),
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

/** Each period that is known so far was inferred from at least one response. */
const PERIOD_CONFIDENCE = [
  'alter table discovery.limits add column period_confidence smallint not null default 1',
  'alter table discovery.limits alter column period_confidence drop default',
]

/** The names that `libs/postgres` gives the table. */
const DEAD_LETTERS = [
  'alter table discovery.set_aside rename to dead_letters',
  'alter table discovery.dead_letters rename column set_aside_at to dead_lettered_at',
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
