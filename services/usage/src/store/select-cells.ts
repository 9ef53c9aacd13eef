import type { RequestOf, usageQuery } from '@sluice/contracts'
import { readStored, StoredInstant } from '@sluice/postgres'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import { type Static, Type } from 'typebox'
import { GRANULARITIES, type Granularity, rollupStart, shortestStepMs } from '../rollup/granularity.ts'
import { type Histogram, unpackHistogram } from '../rollup/histogram.ts'
import type { CountCell, HistogramCell, UsageCells } from '../rollup/usage-points.ts'
import { readRetentionStarts } from './downsample.ts'
import { instant, ROLLUP_TABLES, type Tables } from './schema.ts'

export type UsageQuery = RequestOf<typeof usageQuery>

/**
 * Returns the stored usage for a query, at most `maxCells` of each kind. Steps begin at whole multiples of the step
 * since 1970 UTC. A rollup that is partly in the query's range counts in full.
 */
export async function selectCells(db: Kysely<Tables>, query: UsageQuery, maxCells: number): Promise<UsageCells> {
  const stepMs = shortestStepMs(query.stepMs, query.fromMs, await readRetentionStarts(db))
  const points = pointsOf(query, stepMs)
  return { stepMs, counts: await counts(db, points, maxCells), histograms: await histograms(db, points, maxCells) }
}

async function counts(db: Kysely<Tables>, points: RawBuilder<unknown>, maxCells: number): Promise<CountCell[]> {
  const { rows } = await sql`
    select
      point_at as "pointAt", point_group as "pointGroup", provider, model, outcome, denied_by as "deniedBy",
      sum(requests)::bigint as requests,
      sum(input_tokens)::bigint as "inputTokens",
      sum(output_tokens)::bigint as "outputTokens",
      sum(cached_input_tokens)::bigint as "cachedInputTokens",
      sum(reasoning_tokens)::bigint as "reasoningTokens",
      sum(cache_write_input_tokens)::bigint as "cacheWriteInputTokens",
      sum(unread_requests)::bigint as "unreadRequests"
    from (${points}) as points
    group by point_at, point_group, provider, model, outcome, denied_by
    order by point_at, point_group
    limit ${maxCells}`.execute(db)
  const stored = readStored(CountRows, rows, 'the counts of usage')
  return stored.map(({ pointAt, pointGroup, ...cell }) => ({ ...point({ pointAt, pointGroup }), ...cell }))
}

async function histograms(db: Kysely<Tables>, points: RawBuilder<unknown>, maxCells: number): Promise<HistogramCell[]> {
  // Unnested, the elements of any number of histograms are added up in one pass.
  const { rows } = await sql`
    select
      point_at as "pointAt", point_group as "pointGroup",
      array_agg((bucket << 40) + count) filter (where kind = 'latency') as latency,
      array_agg((bucket << 40) + count) filter (where kind = 'time_to_first_token') as "timeToFirstToken"
    from (
      select point_at, point_group, kind, element >> 40 as bucket, sum(element & 1099511627775)::bigint as count
      from (${points}) as points
      cross join lateral (
        select 'latency' as kind, unnest(latency) as element
        union all select 'time_to_first_token', unnest(time_to_first_token)
      ) as elements
      group by 1, 2, 3, 4
    ) as buckets
    group by point_at, point_group
    order by point_at, point_group
    limit ${maxCells}`.execute(db)
  const stored = readStored(HistogramRows, rows, 'the durations of usage')
  return stored.map(({ pointAt, pointGroup, latency, timeToFirstToken }) => ({
    ...point({ pointAt, pointGroup }),
    latency: toHistogram(latency),
    timeToFirstToken: toHistogram(timeToFirstToken),
  }))
}

const PointColumns = Type.Object({ pointAt: StoredInstant, pointGroup: Type.Union([Type.String(), Type.Null()]) })

const count = Type.Integer({ minimum: 0 })

const CountRows = Type.Array(
  Type.Object({
    ...PointColumns.properties,
    provider: Type.String(),
    model: Type.String(),
    outcome: Type.String(),
    deniedBy: Type.String(),
    requests: count,
    inputTokens: count,
    outputTokens: count,
    cachedInputTokens: count,
    reasoningTokens: count,
    cacheWriteInputTokens: count,
    unreadRequests: count,
  }),
)

/**
 * Null where no request of the point has such a duration. Elements of an array are text: the driver reads no 64-bit
 * integers in it.
 */
const PackedHistogram = Type.Union([Type.Array(Type.String({ pattern: '^\\d+$' })), Type.Null()])

const HistogramRows = Type.Array(
  Type.Object({ ...PointColumns.properties, latency: PackedHistogram, timeToFirstToken: PackedHistogram }),
)

function toHistogram(packed: Static<typeof PackedHistogram>): Histogram {
  return packed === null ? new Map() : unpackHistogram(packed)
}

function point({ pointAt, pointGroup }: Static<typeof PointColumns>): Pick<CountCell, 'fromMs' | 'group'> {
  return { fromMs: pointAt.getTime(), group: pointGroup ?? undefined }
}

/** Selects the rollups of the range, each with the point that it belongs to. */
function pointsOf(query: UsageQuery, stepMs: number): RawBuilder<unknown> {
  const group = query.groupBy === undefined ? sql`null::text` : sql.ref(GROUP_COLUMNS[query.groupBy])
  return sql`
    select *, date_bin(make_interval(secs => ${stepMs / 1_000}), from_at, timestamptz 'epoch') as point_at, ${group} as point_group
    from (${sql.join(
      GRANULARITIES.map((granularity) => rollupsOf(granularity, query)),
      sql` union all `,
    )}) as rollups`
}

/**
 * Leaves out minutes before their retention start, which were added to hours and wait to be dropped with their
 * partition; so with hours.
 */
function rollupsOf(granularity: Granularity, { connectionId, fromMs, toMs }: UsageQuery): RawBuilder<unknown> {
  return sql`
    select * from ${sql.table(ROLLUP_TABLES[granularity])}
    where connection_id = ${connectionId}
      and from_at >= ${instant(rollupStart(granularity, fromMs))} and from_at < ${instant(toMs)}
      and from_at >= (select retention_starts.from_at from usage.retention_starts where granularity = ${granularity})`
}

const GROUP_COLUMNS: Readonly<Record<NonNullable<UsageQuery['groupBy']>, string>> = {
  model: 'model',
  apiKey: 'api_key_id',
  outcome: 'outcome',
}
