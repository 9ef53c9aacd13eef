import { createDeadLetterTable } from '@sluice/postgres'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Granularity } from '../rollup/granularity.ts'

/** The tables of the schema `usage`, as the newest migration leaves them. */
export interface Tables {
  'usage.minutes': RollupsTable
  'usage.hours': RollupsTable
  'usage.days': RollupsTable
  'usage.retention_starts': RetentionStartsTable
  'usage.gateways': GatewaysTable
  'usage.model_names': ModelNamesTable
}

interface RollupsTable {
  /** The start of the minute, hour or day. */
  from_at: Date
  connection_id: string
  provider: string
  model: string
  api_key_id: string
  outcome: string
  /** Empty for outcomes other than `denied`. */
  denied_by: string
  requests: number
  input_tokens: number
  output_tokens: number
  cached_input_tokens: number
  reasoning_tokens: number
  cache_write_input_tokens: number
  unread_requests: number
  /** Durations in milliseconds: see `histogram.ts`. */
  latency: string[]
  time_to_first_token: string[]
}

interface RetentionStartsTable {
  granularity: Granularity
  from_at: Date
}

/** The batches of a gateway that are in the rollups. */
interface GatewaysTable {
  gateway: string
  /** Batches count up, so this is one range, with gaps for batches that were lost or are in flight. */
  recorded_batches: string
  last_recorded_at: Date
}

/** The names of models that are counted by name: see `model-names.ts`. */
interface ModelNamesTable {
  connection_id: string
  api_key_id: string
  /** The day's start, UTC. */
  day: Date
  served: string[]
  tried: string[]
}

/** The table that holds each granularity. */
export const ROLLUP_TABLES = { minute: 'usage.minutes', hour: 'usage.hours', day: 'usage.days' } as const

/** Returns an instant in Unix milliseconds as PostgreSQL's. */
export function instant(atMs: number): RawBuilder<Date> {
  return sql<Date>`to_timestamp(${atMs}::bigint / 1000.0)`
}

/** Every change of the schema, in order. One that has been released is never edited: the next change is a new one. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-rollups': {
    up: async (db: Kysely<unknown>) => {
      for (const statement of FIRST_ROLLUPS) await sql.raw(statement).execute(db)
    },
  },
  '0002-granularities': {
    up: async (db: Kysely<unknown>) => {
      for (const statement of GRANULARITIES) await sql.raw(statement).execute(db)
    },
  },
  '0003-model-names': {
    up: async (db: Kysely<unknown>) => {
      await sql.raw(MODEL_NAMES).execute(db)
    },
  },
  '0004-unread-usage': {
    up: async (db: Kysely<unknown>) => {
      for (const statement of UNREAD_USAGE) await sql.raw(statement).execute(db)
    },
  },
  '0005-dead-letters': {
    up: async (db: Kysely<unknown>) => {
      await sql.raw(createDeadLetterTable('usage')).execute(db)
    },
  },
}

const FIRST_ROLLUPS = [
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

const rollups = (table: string) => `create table usage.${table} (
    from_at timestamptz not null,
    connection_id text collate "C" not null,
    provider text collate "C" not null,
    model text collate "C" not null,
    api_key_id text collate "C" not null,
    outcome text collate "C" not null,
    denied_by text collate "C" not null,
    requests bigint not null,
    input_tokens bigint not null,
    output_tokens bigint not null,
    cached_input_tokens bigint not null,
    reasoning_tokens bigint not null,
    latency bigint[] not null,
    time_to_first_token bigint[] not null,
    primary key (connection_id, from_at, provider, model, api_key_id, outcome, denied_by)
  ) partition by range (from_at)`

const GRANULARITIES = [
  rollups('minutes'),
  rollups('hours'),
  rollups('days'),
  `create table usage.retention_starts (
    granularity text collate "C" primary key,
    from_at timestamptz not null
  )`,
  `create table usage.gateways (
    gateway text collate "C" primary key,
    recorded_batches int8multirange not null,
    last_recorded_at timestamptz not null
  )`,
  // What was recorded before is still in the stream for days, and must not be counted again.
  `insert into usage.gateways (gateway, recorded_batches, last_recorded_at)
    select gateway, range_agg(int8range(batch, batch, '[]')), max(seen_at) from usage.seen_batches group by gateway`,
  'drop table usage.seen_batches',
  // Its rows have no provider. They are deleted, since no release had them.
  'drop table usage.rollups',
  // A histogram is an array of bucket * 2^40 + count, by bucket.
  `create function usage.merge_histograms(one bigint[], other bigint[]) returns bigint[]
    language sql immutable strict parallel safe
    return case
      when one = '{}' then other
      when other = '{}' then one
      else array(
        select ((element >> 40) << 40) + sum(element & 1099511627775)::bigint
        from unnest(one || other) as element
        group by element >> 40
        order by element >> 40
      )
    end`,
  `create aggregate usage.merged_histogram(bigint[]) (
    sfunc = usage.merge_histograms, stype = bigint[], initcond = '{}', parallel = safe
  )`,
]

const MODEL_NAMES = `create table usage.model_names (
  connection_id text collate "C" not null,
  api_key_id text collate "C" not null,
  day timestamptz not null,
  served text[] not null,
  tried text[] not null,
  primary key (connection_id, api_key_id, day)
)`

/** Earlier rows have 0 of both, which were not counted. A constant default changes no row on disk. */
const UNREAD_USAGE = ['minutes', 'hours', 'days'].map(
  (table) => `alter table usage.${table}
    add column cache_write_input_tokens bigint not null default 0,
    add column unread_requests bigint not null default 0`,
)
