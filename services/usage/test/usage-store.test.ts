import { OTHER_MODEL, type ResponseBatch, type ResponseEvent } from '@sluice/contracts'
import { UnprocessableMessageError } from '@sluice/messaging'
import { migrate, openDatabase } from '@sluice/postgres'
import { createLogger } from '@sluice/service-kit'
import { type TestDatabase, testDatabase } from '@sluice/testkit'
import { type Kysely, sql } from 'kysely'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { percentileMs } from '../src/rollup/histogram.ts'
import { MAX_SERVED, MAX_TRIED } from '../src/rollup/model-names.ts'
import type { UsageCells } from '../src/rollup/usage-points.ts'
import { MIGRATIONS, type Tables } from '../src/store/schema.ts'
import type { UsageQuery } from '../src/store/select-cells.ts'
import { postgresUsageStore } from '../src/store/usage-store.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const START_MS = Date.UTC(2026, 2, 10, 12, 30)
const RETENTION_DAYS = { minute: 2, hour: 40, day: 400 }

const logger = createLogger('usage', 'silent')
let database: TestDatabase
let db: Kysely<Tables>
let nowMs: number
let store: ReturnType<typeof postgresUsageStore>

beforeEach(async () => {
  database = await testDatabase('usage')
  await migrate({ url: database.url, schema: 'usage', migrations: MIGRATIONS, logger })
  db = openDatabase({ url: database.url, name: 'usage', maxConnections: 8, logger })
  nowMs = START_MS
  store = storeOn(db)
})
afterEach(async () => {
  await db.destroy()
  await database.drop()
})

it('counts a batch once, however many record it at a time and in whatever company', async () => {
  await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      store.record([batch(1), batch(2 + (index % 3)), batch(1), batch(2 + ((index + 1) % 3))]),
    ),
  )
  expect(await requests()).toBe(4)
})

it('records and downsamples whatever advisory locks another role of the database holds', async () => {
  await db.connection().execute(async (other) => {
    await sql`select pg_advisory_lock(hashtextextended('usage.retention_starts', 0))`.execute(other)
    await store.record([batch(1)])
    await store.downsample()
    await sql`select pg_advisory_unlock_all()`.execute(other)
  })
  expect(await requests()).toBe(1)
})

it('keeps what was not understood, and what was written to caches, when minutes become hours', async () => {
  const usage = { inputTokens: 9, outputTokens: 1, cachedInputTokens: 2, cacheWriteInputTokens: 3, reasoningTokens: 1 }
  await store.record([batch(1, event({ usage, unreadUsage: true })), batch(2, event({ usage }))])
  const kept = async () => (await cells({ stepMs: 1_000_000 * DAY_MS })).counts
  const expected = [{ requests: 2, inputTokens: 18, cachedInputTokens: 4, cacheWriteInputTokens: 6, unreadRequests: 1 }]
  expect(await kept()).toMatchObject(expected)
  nowMs += 30 * DAY_MS
  await store.downsample()
  expect(await granularities()).toEqual({ hours: 1 })
  expect(await kept()).toMatchObject(expected)
})

it('knows which batches it has recorded, and takes one that cannot be stored for recorded', async () => {
  await store.record([batch(1), batch(3)])
  const known = await Promise.all([1, 2, 3, 2 ** 64].map((number) => store.hasRecorded(batch(number))))
  expect(known).toEqual([true, false, true, true])
  expect(await store.hasRecorded({ gateway: 'another', batch: 1 })).toBe(false)
})

it('stores all of a call or nothing', async () => {
  await expect(store.record([batch(1), batch(2 ** 64)])).rejects.toBeInstanceOf(UnprocessableMessageError)
  expect(await requests()).toBe(0)
  await store.record([batch(1)])
  expect(await requests()).toBe(1)
})

it('remembers any number of batches in one row a gateway, and forgets it when it has been silent for long enough', async () => {
  const numbers = Array.from({ length: 1_000 }, (_, index) => index + 1)
  await store.record(numbers.filter((number) => number % 2 === 0).map((number) => batch(number)))
  await store.record(numbers.filter((number) => number % 2 === 1).map((number) => batch(number)))
  const { rows } = await sql`select gateway, recorded_batches::text as batches from usage.gateways`.execute(db)
  expect(rows).toEqual([{ gateway: 'g', batches: '{[1,1001)}' }])

  expect(await store.forgetGateways(MINUTE_MS)).toBe(0)
  await store.record(numbers.map((number) => batch(number)))
  expect(await requests()).toBe(1_000)
  expect(await store.forgetGateways(0)).toBe(1)
  await store.record([batch(1)])
  expect(await requests()).toBe(1_001)
})

it('takes six statements for any number of batches and events, and two more where models are new', async () => {
  let statements = 0
  const counting = storeOn(
    db.withPlugin({
      transformQuery: ({ node }) => {
        statements += 1
        return node
      },
      transformResult: async ({ result }) => result,
    }),
  )
  await counting.record([batch(1)])
  statements = 0
  const events = Array.from({ length: 2_000 }, (_, index) => ({ ...event(), model: `m${index}` }))
  await counting.record([{ ...batch(2), events }, batch(3), batch(4)])
  expect(await requests()).toBe(2_003)
  expect(statements).toBe(8)
  await counting.record([{ ...batch(5), events }, batch(6)])
  expect(await requests()).toBe(4_004)
  expect(statements).toBe(14)
})

it('keeps the same sums and percentiles while what is old becomes coarser, step by step', async () => {
  const events = Array.from({ length: 300 }, (_, index) =>
    event({ endedAtMs: START_MS - index * 7 * MINUTE_MS, upstreamMs: 10 * (index + 1), timeToFirstByteMs: index + 1 }),
  )
  await store.record([{ ...batch(1), events }])
  const before = await everything()
  expect(before).toMatchObject({ requests: 300, inputTokens: 3_000, p50: expect.closeTo(1_500, -2) })
  expect(await granularities()).toEqual({ minutes: 300 })

  nowMs = START_MS + 2 * DAY_MS
  await Promise.all([store.downsample(), storeOn(db).downsample()])
  expect(await everything()).toEqual(before)
  expect(await granularities()).toEqual({ minutes: 5, hours: 35 })

  nowMs = START_MS + 41 * DAY_MS
  await store.downsample()
  expect(await everything()).toEqual(before)
  expect(await granularities()).toEqual({ days: 2 })
})

it('keeps a bounded number of rows for models that a denied key makes up, with exact sums, and every model of others', async () => {
  let number = 0
  const flood = (count: number, endedAtMs: number) => {
    const events = Array.from({ length: count }, (_, index) =>
      denied({ apiKeyId: 'hostile', model: `made-up-${number}-${index}`, endedAtMs, requests: 1 + (index % 3) }),
    )
    return { ...batch(++number), events }
  }
  const own = (endedAtMs: number) =>
    numbersTo(100).map((index) => event({ apiKeyId: 'k', model: `own-${index}`, endedAtMs }))
  const stores = [store, storeOn(db), storeOn(db)]
  const minutesMs = numbersTo(60).map((minute) => START_MS - (minute - 1) * MINUTE_MS)
  for (const endedAtMs of minutesMs) {
    await Promise.all(stores.map((each) => each.record([flood(300, endedAtMs), flood(300, endedAtMs)])))
  }
  await store.record([{ ...batch(++number), events: [...own(START_MS), ...own(START_MS)] }])

  const hostile = await rowsOf('hostile')
  expect(hostile).toMatchObject({ requests: 60 * 6 * 600, models: MAX_TRIED + 1 })
  expect(hostile.rows).toBeLessThanOrEqual(60 * (MAX_TRIED + 1))
  expect(await rowsOf('k')).toEqual({ requests: 200, models: 100, rows: 100 })

  nowMs = START_MS + 60 * DAY_MS
  await store.downsample()
  expect(await rowsOf('hostile')).toEqual({ requests: 60 * 6 * 600, models: MAX_TRIED + 1, rows: MAX_TRIED + 1 })
  expect(await rowsOf('k')).toEqual({ requests: 200, models: 100, rows: 100 })
  const { rows: left } = await sql`select * from usage.model_names`.execute(db)
  expect(left).toEqual([])
})

it('counts a model by name that is served after a flood of made-up ones, and as many as a self-hosted server has', async () => {
  const tried = Array.from({ length: 500 }, (_, index) => denied({ model: `made-up-${index}` }))
  await store.record([{ ...batch(1), events: tried }])
  await store.record([batch(2, event({ model: 'real' })), batch(3, denied({ model: 'real' }))])
  const served = Array.from({ length: 1_000 }, (_, index) => event({ model: `any-${index}` }))
  await store.record([{ ...batch(4), events: served }])
  const counts = await requestsByModel()
  expect(counts).toMatchObject({ real: 2, [OTHER_MODEL]: 500 - MAX_TRIED + 1_000 - (MAX_SERVED - 1) })
  expect(Object.keys(counts)).toHaveLength(MAX_TRIED + MAX_SERVED + 1)
})

it('forgets what is older than everything that is kept, a year at a time', async () => {
  nowMs = Date.UTC(2026, 11, 20)
  const shortLived = storeOn(db, { minute: 2, hour: 40, day: 41 })
  await shortLived.record([batch(1, event({ endedAtMs: nowMs }))])
  nowMs = Date.UTC(2027, 1, 1)
  await shortLived.downsample()
  expect(await requests()).toBe(1)
  nowMs = Date.UTC(2027, 1, 12)
  await shortLived.downsample()
  expect(await requests()).toBe(0)
  expect(await partitions('days')).toEqual(['days_2027'])
})

it('counts what comes late where its time is kept by now, once, also while it is being moved', async () => {
  nowMs = START_MS + 3 * DAY_MS
  const endedAtMs = (number: number) => START_MS + number * 20 * MINUTE_MS
  await store.record(numbersTo(100).map((number) => batch(number, event({ endedAtMs: endedAtMs(number) }))))
  nowMs += DAY_MS
  await Promise.all([
    store.downsample(),
    ...numbersTo(20).map((tens) =>
      store.record([batch(100 + tens, event({ endedAtMs: endedAtMs(tens) })), batch(tens)]),
    ),
  ])
  await store.downsample()
  expect(await everything()).toMatchObject({ requests: 120, inputTokens: 1_200 })

  nowMs = START_MS + 60 * DAY_MS
  await store.downsample()
  await store.record([batch(121, event({ endedAtMs: START_MS }))])
  expect(await everything()).toMatchObject({ requests: 121 })
  expect(Object.keys(await granularities())).toEqual(['days'])
})

it('goes on where it was interrupted', async () => {
  await store.record([batch(1), batch(2, event({ endedAtMs: START_MS - HOUR_MS }))])
  nowMs = START_MS + 4 * DAY_MS
  let moves = 0
  const interrupted = storeOn(
    db.withPlugin({
      transformQuery: ({ node }) => {
        if (node.kind === 'RawNode' && JSON.stringify(node).includes('update usage.retention_starts') && ++moves > 1) {
          throw new Error('interrupted')
        }
        return node
      },
      transformResult: async ({ result }) => result,
    }),
  )
  await expect(interrupted.downsample()).rejects.toThrow('interrupted')
  expect(await everything()).toMatchObject({ requests: 2 })
  await store.downsample()
  expect(await everything()).toMatchObject({ requests: 2 })
  expect(await granularities()).toEqual({ hours: 2 })
})

it('uses longer steps than requested where only longer rollups are stored, and counts nothing twice across the boundary', async () => {
  const oldMs = START_MS - (START_MS % HOUR_MS)
  nowMs = START_MS + 3 * DAY_MS
  await store.record(
    numbersTo(50).map((number) => batch(number, event({ endedAtMs: oldMs + number * HOUR_MS + 5 * MINUTE_MS }))),
  )
  await store.downsample()
  const across = await cells({ fromMs: START_MS, toMs: nowMs, stepMs: 20 * MINUTE_MS })
  expect(across.stepMs).toBe(HOUR_MS)
  expect(across.counts.map(({ fromMs, requests }) => [fromMs, requests])).toEqual(
    numbersTo(50).map((number) => [oldMs + number * HOUR_MS, 1]),
  )
  const recent = await cells({ fromMs: START_MS + 2 * DAY_MS, toMs: nowMs, stepMs: 20 * MINUTE_MS })
  expect(recent.stepMs).toBe(20 * MINUTE_MS)
})

it('drops partitions while other instances drop them', async () => {
  const instances = [store, storeOn(db), storeOn(db), storeOn(db)]
  for (let round = 0; round < 10; round += 1) {
    nowMs += 8 * DAY_MS
    await Promise.all(instances.map((instance) => instance.downsample()))
  }
  expect(await partitions('minutes')).toHaveLength(6)
})

it('makes partitions ahead, and drops those that are not needed', async () => {
  await store.record([batch(1)])
  expect(await partitions('minutes')).toEqual(['08', '09', '10', '11', '12', '13'].map((day) => `minutes_202603${day}`))
  expect(await partitions('hours')).toEqual(['hours_202601', 'hours_202602', 'hours_202603'])
  expect(await partitions('days')).toEqual(['days_2025', 'days_2026'])
  nowMs = Date.UTC(2026, 11, 30)
  await store.record([batch(2, event({ endedAtMs: nowMs }))])
  await store.downsample()
  expect(await partitions('minutes')).toEqual([
    ...['28', '29', '30', '31'].map((day) => `minutes_202612${day}`),
    'minutes_20270101',
    'minutes_20270102',
  ])
  expect(await partitions('hours')).toEqual(['hours_202611', 'hours_202612', 'hours_202701'])
  expect(await partitions('days')).toEqual(['days_2025', 'days_2026', 'days_2027'])
})

it.each([
  ['a count below zero', sql`update usage.minutes set requests = -1`],
  ['a bucket of durations below zero', sql`update usage.minutes set latency = '{-1}'`],
  [
    'a retention that never starts',
    sql`update usage.retention_starts set from_at = 'infinity' where granularity = 'hour'`,
  ],
])('refuses a query that meets %s', async (_, damage) => {
  await store.record([batch(1, event({ upstreamMs: 5 }))])
  await damage.execute(db)
  await expect(cells({})).rejects.toMatchObject({ code: 'internal' })
})

it.each([
  [
    'a retention that never starts',
    sql`update usage.retention_starts set from_at = 'infinity' where granularity = 'minute'`,
    sql`update usage.retention_starts set from_at = to_timestamp(${START_MS - DAY_MS}::bigint / 1000.0) where granularity = 'minute'`,
  ],
  [
    'names of models that are none',
    sql`update usage.model_names set tried = '{null}'`,
    sql`update usage.model_names set tried = '{}'`,
  ],
])('records nothing while it meets %s, and takes no message for unprocessable', async (_, damage, repair) => {
  await store.record([batch(1)])
  await damage.execute(db)
  const error = await store.record([batch(2)]).catch((caught: unknown) => caught)
  expect(error).toMatchObject({ code: 'internal' })
  expect(error).not.toBeInstanceOf(UnprocessableMessageError)
  await repair.execute(db)
  await store.record([batch(2)])
  expect(await requests()).toBe(2)
})

function storeOn(on: Kysely<Tables>, retentionDays = RETENTION_DAYS) {
  return postgresUsageStore({ db: on, retentionDays, now: () => nowMs })
}

function cells(given: Partial<UsageQuery>): Promise<UsageCells> {
  return store.cells({ connectionId: 'c', fromMs: 0, toMs: nowMs + DAY_MS, stepMs: MINUTE_MS, ...given }, 10_000)
}

/** Sums of all stored usage, and its median latency. */
async function everything() {
  const { counts, histograms } = await cells({ stepMs: 1_000_000 * DAY_MS })
  return {
    requests: counts.reduce((sum, { requests: count }) => sum + count, 0),
    inputTokens: counts.reduce((sum, { inputTokens }) => sum + inputTokens, 0),
    p50: histograms[0] && percentileMs(histograms[0].latency, 0.5),
    firstTokens: histograms[0]?.timeToFirstToken && new Map([...histograms[0].timeToFirstToken].toSorted()),
  }
}

async function requests(): Promise<number> {
  return (await everything()).requests
}

/** How many rollups there are of each granularity that has any, without those that wait to be dropped. */
async function granularities(): Promise<Record<string, number>> {
  const { rows } = await sql<{ name: string; count: number }>`
    select name, count(*)::int as count
    from (
      select 'minutes' as name, 'minute' as granularity, from_at from usage.minutes
      union all select 'hours', 'hour', from_at from usage.hours
      union all select 'days', 'day', from_at from usage.days
    ) as rollups
    join usage.retention_starts using (granularity)
    where rollups.from_at >= retention_starts.from_at
    group by name`.execute(db)
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]))
}

/** The stored usage of an API key, without rollups that wait to be dropped. */
async function rowsOf(apiKeyId: string): Promise<{ requests: number; models: number; rows: number }> {
  const { rows } = await sql<{ requests: number; models: number; rows: number }>`
    select sum(requests)::int as requests, count(distinct model)::int as models, count(*)::int as rows
    from (
      select 'minute' as granularity, * from usage.minutes
      union all select 'hour', * from usage.hours
      union all select 'day', * from usage.days
    ) as rollups
    join usage.retention_starts using (granularity)
    where rollups.from_at >= retention_starts.from_at and api_key_id = ${apiKeyId}`.execute(db)
  return rows[0] ?? expect.fail('no row')
}

async function requestsByModel(): Promise<Record<string, number>> {
  const { counts } = await cells({ stepMs: 1_000_000 * DAY_MS })
  const sums: Record<string, number> = {}
  for (const { model, requests: count } of counts) sums[model] = (sums[model] ?? 0) + count
  return sums
}

async function partitions(table: string): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = ${`usage.${table}`}::regclass order by 1`.execute(db)
  return rows.map(({ name }) => name)
}

function numbersTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}

function batch(number: number, only = event()): ResponseBatch {
  return { connectionId: 'c', provider: 'openai', gateway: 'g', batch: number, events: [only] }
}

function denied(given: Partial<ResponseEvent> = {}): ResponseEvent {
  const { usage: _none, ...rest } = event(given)
  return { ...rest, outcome: 'denied', deniedBy: 'minute-requests' }
}

function event(given: Partial<ResponseEvent> = {}): ResponseEvent {
  return {
    requestId: 'r',
    startedAtMs: 0,
    endedAtMs: START_MS,
    apiKeyId: 'k',
    model: 'm',
    outcome: 'success',
    usage: { inputTokens: 10, outputTokens: 5, cachedInputTokens: 0, cacheWriteInputTokens: 4, reasoningTokens: 0 },
    ...given,
  }
}
