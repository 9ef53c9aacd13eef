import type { UsagePoint } from '@sluice/contracts'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { UsageQuery } from '../ports/usage-store.ts'
import type { Tables } from './tables.ts'

/**
 * The points of a query, by time and group. Steps begin at whole multiples of the step since 1970 UTC. A minute that is
 * partly in the query's span counts in full.
 */
export async function selectPoints(db: Kysely<Tables>, query: UsageQuery, maxPoints: number): Promise<UsagePoint[]> {
  const { connectionId, fromMs, toMs, stepMs, groupBy } = query
  const { rows } = await sql<PointRow>`
    select
      from_at, grouped_by,
      sum(requests)::bigint as requests,
      sum(input_tokens)::bigint as input_tokens,
      sum(output_tokens)::bigint as output_tokens,
      sum(cached_input_tokens)::bigint as cached_input_tokens,
      sum(reasoning_tokens)::bigint as reasoning_tokens,
      json_object_agg(outcome, requests) as outcomes
    from (
      select
        date_bin(make_interval(secs => ${stepMs / 1_000}), minute_at, timestamptz 'epoch') as from_at,
        ${groupBy === undefined ? sql`null::text` : GROUP_COLUMNS[groupBy]} as grouped_by,
        outcome,
        sum(requests)::bigint as requests,
        sum(input_tokens) as input_tokens,
        sum(output_tokens) as output_tokens,
        sum(cached_input_tokens) as cached_input_tokens,
        sum(reasoning_tokens) as reasoning_tokens
      from usage.rollups
      where connection_id = ${connectionId}
        and minute_at >= date_trunc('minute', ${instant(fromMs)}, 'UTC')
        and minute_at < ${instant(toMs)}
      group by 1, 2, 3
    ) as by_outcome
    group by from_at, grouped_by
    order by from_at, grouped_by
    limit ${maxPoints}`.execute(db)
  return rows.map(toPoint)
}

interface PointRow {
  from_at: Date
  grouped_by: string | null
  requests: number
  input_tokens: number
  output_tokens: number
  cached_input_tokens: number
  reasoning_tokens: number
  outcomes: Record<string, number>
}

const GROUP_COLUMNS: Readonly<Record<NonNullable<UsageQuery['groupBy']>, RawBuilder<unknown>>> = {
  model: sql.ref('model'),
  apiKey: sql.ref('api_key_id'),
  outcome: sql.ref('outcome'),
}

function instant(atMs: number): RawBuilder<Date> {
  return sql<Date>`to_timestamp(${atMs}::bigint / 1000.0)`
}

function toPoint(row: PointRow): UsagePoint {
  return {
    fromMs: row.from_at.getTime(),
    ...(row.grouped_by === null ? {} : { group: row.grouped_by }),
    requests: row.requests,
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    cachedInputTokens: row.cached_input_tokens,
    reasoningTokens: row.reasoning_tokens,
    outcomes: row.outcomes,
  }
}
