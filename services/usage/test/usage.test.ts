import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type RequestOf,
  type ResponseBatch,
  type ResponseEvent,
  responses,
  type UsagePoint,
  usageQuery,
} from '@sluice/contracts'
import { type Bus, connectBus, ensureStream, publishToStream, request } from '@sluice/messaging'
import { createLogger, readConfig, type Service } from '@sluice/service-kit'
import {
  breakableProxy,
  eventually,
  type TestDatabase,
  type TestNats,
  temporaryFolder,
  testDatabase,
  testNats,
} from '@sluice/testkit'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { start, UsageConfig } from '../src/index.ts'

const HOUR_MS = 3_600_000
/** Begins an hour, so that steps of hours and minutes begin with it. */
const MINUTE_AT_MS = Math.floor(Date.now() / HOUR_MS - 2) * HOUR_MS

let nats: TestNats
let database: TestDatabase
let bus: Bus
const services: Service[] = []

beforeEach(async () => {
  ;[nats, database] = await Promise.all([testNats(), testDatabase('usage')])
  bus = await connectBus({ servers: nats.url, name: 'usage.test' })
  await ensureStream(bus, responses)
})
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.stop()))
  await bus.close()
  await Promise.all([nats.stop(), database.drop()])
})

it('counts every event once, though batches are published twice and instances come and go', async () => {
  const first = await startUsage()
  for (let number = 1; number <= 300; number++) {
    const sent = batch(number, [event(number), event(number + 1)])
    await publish(sent, `g-${number}`)
    await publish(sent, number % 2 === 0 ? `g-${number}` : `again-${number}`)
    if (number === 100) await startUsage()
    if (number === 200) await first.stop()
  }
  await eventually(async () => expect(await total()).toMatchObject({ requests: 600 }))
  // Whatever is delivered again has been by the time that a later batch is counted.
  await publish(batch(301, [event(0)]), 'g-301')
  await eventually(async () => expect(await total()).toMatchObject({ requests: 601 }))
  expect(await total()).toMatchObject({ inputTokens: 90_600, outputTokens: 1_202, cachedInputTokens: 601 })
})

it('says how much was written to caches, and of how many requests the usage was not understood', async () => {
  await startUsage()
  const usage = { inputTokens: 9, outputTokens: 2, cachedInputTokens: 0, cacheWriteInputTokens: 5, reasoningTokens: 0 }
  const { usage: _none, ...without } = event(0, { unreadUsage: true })
  await publish(batch(1, [event(0, { usage }), event(1), without, event(0, { usage, unreadUsage: true })]), 'g-1')
  await eventually(async () =>
    expect(await total()).toMatchObject({ requests: 4, cacheWriteInputTokens: 10, unreadRequests: 2 }),
  )
})

it('counts what the stream holds, once, when it begins with a database that was restored from before', async () => {
  const first = await startUsage()
  for (const number of [1, 2, 3]) await publish(batch(number, [event(1)]), `g-${number}`)
  await eventually(async () => expect(await total()).toMatchObject({ requests: 3 }))
  await eventually(async () => {
    const { ack_floor } = await bus.jetstreamManager.consumers.info(responses.name, 'usage')
    expect(ack_floor.stream_seq).toBe(3)
  })
  await first.stop()
  services.splice(0)
  const admin = new pg.Client({ connectionString: database.url })
  await admin.connect()
  await admin.query('truncate usage.gateways, usage.minutes')
  await admin.end()
  await startUsage()
  await eventually(async () => expect(await total()).toMatchObject({ requests: 3, inputTokens: 3 }))
  await publish(batch(4, [event(1)]), 'g-4')
  await eventually(async () => expect(await total()).toMatchObject({ requests: 4, inputTokens: 4 }))
})

it('loses and doubles nothing while its connections to PostgreSQL are cut', async () => {
  await startUsage()
  const admin = new pg.Client({ connectionString: database.url })
  await admin.connect()
  for (let number = 1; number <= 200; number++) {
    await publish(batch(number, [event(1)]), `g-${number}`)
    if (number % 20 === 0) {
      await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'sluice-usage' and state <> 'idle'`,
      )
    }
    if (number === 100) {
      await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'sluice-usage'`,
      )
    }
  }
  await admin.end()
  await eventually(async () => expect(await total()).toMatchObject({ requests: 200, inputTokens: 200 }), {
    timeoutMs: 20_000,
  })
})

it('waits for PostgreSQL, at its start and later, and loses nothing', async () => {
  const proxy = await breakableProxy(database.url)
  await proxy.cut()
  const starting = startUsage(proxy.url)
  await publish(batch(1, [event(1)]), 'g-1')
  await proxy.mend()
  await starting
  await eventually(async () => expect(await total()).toMatchObject({ requests: 1 }))

  await proxy.cut()
  await publish(batch(2, [event(1)]), 'g-2')
  await expect(total()).rejects.toMatchObject({ code: 'unavailable' })
  await publish(batch(3, [event(1)]), 'g-3')
  await proxy.mend()
  await eventually(async () => expect(await total()).toMatchObject({ requests: 3 }), { timeoutMs: 10_000 })
  await Promise.all(services.splice(0).map((service) => service.stop()))
  await proxy.cut()
})

it('delivers again, and keeps as no dead letter, what PostgreSQL refuses for another reason than its data', async () => {
  await startUsage()
  await publish(batch(1, [event(1)]), 'g-1')
  await eventually(async () => expect(await total()).toMatchObject({ requests: 1 }))
  const admin = new pg.Client({ connectionString: database.url })
  await admin.connect()
  await admin.query('alter table usage.gateways rename to away')
  await publish(batch(2, [event(1)]), 'g-2')
  await eventually(async () => {
    const { num_redelivered } = await bus.jetstreamManager.consumers.info(responses.name, 'usage')
    expect(num_redelivered).toBeGreaterThan(0)
  })
  await admin.query('alter table usage.away rename to gateways')
  await eventually(async () => expect(await total()).toMatchObject({ requests: 2 }))
  const { rows } = await admin.query('select count(*)::int as letters from usage.dead_letters')
  await admin.end()
  expect(rows).toEqual([{ letters: 0 }])
})

it('keeps messages that can never be recorded as dead letters, and counts the others of their batch', async () => {
  await publish(batch(1, [event(1)]), 'g-1')
  await bus.jetstream.publish(responses.subject('c'), 'not JSON')
  await bus.jetstream.publish(responses.subject('c'), '{"connectionId": 7}')
  await publish(batch(2, [event(1, { endedAtMs: 1e300 })]), 'g-2')
  await publish(batch(3, [event(1e15), event(9e15)]), 'g-3')
  await publish(batch(2 ** 64, [event(1)]), 'g-4')
  await publish(batch(5, [event(1, { model: `m\0${'m'.repeat(10_000)}` })]), 'g-5')
  await startUsage()
  await publish(batch(6, [event(1)]), 'g-6')
  await eventually(async () => expect(await total()).toMatchObject({ requests: 6 }))
  await eventually(async () => {
    const consumer = await bus.jetstreamManager.consumers.info(responses.name, 'usage')
    expect(consumer).toMatchObject({ num_pending: 0, num_ack_pending: 0 })
  })
  const admin = new pg.Client({ connectionString: database.url })
  await admin.connect()
  const kept = await admin.query(
    'select stream_sequence, data, reason from usage.dead_letters order by stream_sequence',
  )
  await admin.end()
  expect(kept.rows.map(({ stream_sequence, data }) => [Number(stream_sequence), String(data)])).toEqual([
    [2, 'not JSON'],
    [3, '{"connectionId": 7}'],
    [6, expect.stringContaining('18446744073709552000')],
  ])
  expect(kept.rows[0].reason).toBe('the message is not JSON')
  expect(kept.rows[2].reason).toContain('PostgreSQL refuses the data: ')
})

it('replies by step and group, with outcomes apart', async () => {
  await publish(
    batch(1, [
      event(10, { model: 'a', apiKeyId: 'k1' }),
      event(20, { model: 'b', apiKeyId: 'k1', endedAtMs: MINUTE_AT_MS + 60_000 }),
      event(30, { model: 'a', apiKeyId: 'k2', endedAtMs: MINUTE_AT_MS + 5 * 60_000, outcome: 'timeout' }),
      denied({ model: 'a', apiKeyId: 'k2', deniedBy: 'minute-requests' }),
      denied({ model: 'a', apiKeyId: 'k2', deniedBy: 'day-tokens' }),
    ]),
    'g-1',
  )
  await startUsage()
  await eventually(async () => expect(await total()).toMatchObject({ requests: 5 }))

  expect(await query({ stepMs: 5 * 60_000 })).toEqual([
    expect.objectContaining({
      fromMs: MINUTE_AT_MS,
      requests: 4,
      inputTokens: 30,
      outcomes: { success: 2, denied: 2 },
      deniedBy: { 'minute-requests': 1, 'day-tokens': 1 },
    }),
    expect.objectContaining({ fromMs: MINUTE_AT_MS + 300_000, requests: 1, outcomes: { timeout: 1 } }),
  ])
  expect(await query({ stepMs: HOUR_MS, groupBy: 'model' })).toEqual([
    expect.objectContaining({ group: 'a', requests: 4, inputTokens: 40 }),
    expect.objectContaining({ group: 'b', requests: 1, inputTokens: 20 }),
  ])
  expect(groups(await query({ stepMs: HOUR_MS, groupBy: 'apiKey' }))).toEqual({ k1: 2, k2: 3 })
  expect(groups(await query({ stepMs: HOUR_MS, groupBy: 'outcome' }))).toEqual({ denied: 2, success: 2, timeout: 1 })
})

it('counts a minute that is partly in the span in full, and one after it not at all', async () => {
  await publish(
    batch(1, [
      event(1, { endedAtMs: MINUTE_AT_MS - 1 }),
      event(2, { endedAtMs: MINUTE_AT_MS + 1 }),
      event(4, { endedAtMs: MINUTE_AT_MS + 60_000 }),
    ]),
    'g-1',
  )
  await startUsage()
  await eventually(async () => expect(await total()).toMatchObject({ requests: 3 }))
  const span = { fromMs: MINUTE_AT_MS + 30_000, toMs: MINUTE_AT_MS + 60_000, stepMs: 60_000 }
  expect(await query(span)).toMatchObject([{ fromMs: MINUTE_AT_MS, inputTokens: 2 }])
  expect(await query({ ...span, connectionId: 'other' })).toEqual([])
})

it('refuses a query with more points than one reply holds', async () => {
  const nowMs = Date.now()
  const events = Array.from({ length: 10_001 }, (_, index) => event(1, { endedAtMs: nowMs - index * 60_000 }))
  for (let number = 0; number < 6; number++) {
    await publish(batch(number + 1, events.slice(number * 2_000, (number + 1) * 2_000)), `g-${number}`)
  }
  await startUsage()
  await eventually(async () => expect(await total()).toMatchObject({ requests: 10_001 }))
  const span = { fromMs: nowMs - 10_000 * 60_000, toMs: nowMs + 60_000 }
  await expect(query({ ...span, stepMs: 60_000 })).rejects.toMatchObject({ code: 'invalid_request' })
  expect(await query({ ...span, stepMs: 2 * 60_000 })).toHaveLength(5_001)
})

it('refuses an impossible query, and returns nothing for an empty range', async () => {
  await startUsage()
  for (const given of [{ toMs: 1e300 }, { fromMs: 1e300, toMs: 1e300 }, { stepMs: 6e300 }, { connectionId: 'c\0' }]) {
    await expect(query(given)).rejects.toMatchObject({ code: 'invalid_request' })
  }
  await publish(batch(1, [event(1)]), 'g-1')
  await eventually(async () => expect(await total()).toMatchObject({ requests: 1 }))
  const backwards = { fromMs: MINUTE_AT_MS + HOUR_MS, toMs: MINUTE_AT_MS }
  const future = { fromMs: MINUTE_AT_MS + 1e12, toMs: Number.MAX_SAFE_INTEGER }
  for (const given of [backwards, future]) expect(await query(given)).toEqual([])
})

it('reports how long responses took and what they cost, at its own prices or those of a file', async () => {
  const usage = { inputTokens: 1_000_000, outputTokens: 100_000, cachedInputTokens: 200_000, reasoningTokens: 0 }
  const given = { usage, upstreamMs: 2_000, timeToFirstByteMs: 300 }
  const models = ['gpt-4o-mini-2024-07-18', 'house-model']
  await publish(
    batch(
      1,
      models.map((model) => event(0, { ...given, model })),
    ),
    'g-1',
  )
  const own = await startUsage()
  await eventually(async () => expect(await total()).toMatchObject({ requests: 2 }))
  const [known, unknown] = await query({ groupBy: 'model' })
  expect(known?.estimatedCostUsd).toBeCloseTo(0.8 * 0.15 + 0.2 * 0.075 + 0.1 * 0.6, 9)
  expect(unknown).toMatchObject({ group: 'house-model', unpricedTokens: 1_100_000 })
  expect(unknown).not.toHaveProperty('estimatedCostUsd')
  expect(Number(known?.latencyMs?.p99) / 2_000).toBeCloseTo(1, 1)
  expect(Number(known?.timeToFirstTokenMs?.p50) / 300).toBeCloseTo(1, 1)

  await own.stop()
  services.splice(0)
  const file = join(await temporaryFolder(), 'prices.json')
  const openai = { source: 'https://example.com', models: { 'house-model': { input: 2, output: 3 } } }
  await writeFile(file, JSON.stringify({ asOf: '2026-01-01', providers: { openai } }))
  await startUsage(database.url, { PRICE_LIST_FILE: file })
  const [point] = await query()
  expect(point).toMatchObject({ unpricedTokens: 1_100_000 })
  expect(point?.estimatedCostUsd).toBeCloseTo(2.3, 9)
})

it('downsamples old usage on its own, and returns it by the step that is left', async () => {
  const endedAtMs = MINUTE_AT_MS - 48 * HOUR_MS + 90_000
  await publish(batch(1, [event(10, { endedAtMs }), event(20, { endedAtMs: endedAtMs + 120_000 })]), 'g-1')
  const span = { fromMs: MINUTE_AT_MS - 49 * HOUR_MS }
  const first = await startUsage()
  await eventually(async () => expect(await query(span)).toMatchObject([{ inputTokens: 10 }, { inputTokens: 20 }]))
  await first.stop()
  services.splice(0)
  await startUsage(database.url, { MINUTE_ROLLUP_RETENTION_DAYS: '1' })
  const whole = { fromMs: MINUTE_AT_MS - 48 * HOUR_MS, requests: 2, inputTokens: 30 }
  await eventually(async () => expect(await query(span)).toMatchObject([whole]))
})

it('says at its start what is wrong with its settings', async () => {
  await expect(startUsage(database.url, { MINUTE_ROLLUP_RETENTION_DAYS: '91' })).rejects.toThrow(
    'HOUR_ROLLUP_RETENTION_DAYS',
  )
  await expect(startUsage(database.url, { PRICE_LIST_FILE: '/nowhere.json' })).rejects.toThrow('PRICE_LIST_FILE')
  const file = join(await temporaryFolder(), 'prices.json')
  await writeFile(
    file,
    JSON.stringify({ asOf: '2026-01-01', providers: { openai: { source: 'https://x', models: 5 } } }),
  )
  await expect(startUsage(database.url, { PRICE_LIST_FILE: file })).rejects.toThrow('providers.openai.models')
})

it('is set up once when several instances start at the same time, in its own schema', async () => {
  await Promise.all([startUsage(), startUsage(), startUsage()])
  await publish(batch(1, [event(1)]), 'g-1')
  await eventually(async () => expect(await total()).toMatchObject({ requests: 1 }))
  const admin = new pg.Client({ connectionString: database.url })
  await admin.connect()
  const { rows } = await admin.query<{ schema: string }>(
    `select distinct schemaname as schema from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
  )
  await admin.end()
  expect(rows).toEqual([{ schema: 'usage' }])
})

async function startUsage(
  databaseUrl = database.url,
  settings: Readonly<Record<string, string>> = {},
): Promise<Service> {
  const config = readConfig(UsageConfig, { NATS_URL: nats.url, DATABASE_URL: databaseUrl, ...settings })
  const service = await start(config, createLogger('usage', 'silent'))
  services.push(service)
  return service
}

function publish(sent: ResponseBatch, messageId: string): Promise<void> {
  return publishToStream(bus, responses, [sent.connectionId], sent, messageId)
}

async function total(): Promise<UsagePoint | undefined> {
  const [point] = await query({ fromMs: 0, toMs: MINUTE_AT_MS * 2, stepMs: 1e8 * 60_000 })
  return point
}

async function query(given: Partial<RequestOf<typeof usageQuery>> = {}): Promise<UsagePoint[]> {
  const span = { connectionId: 'c', fromMs: MINUTE_AT_MS - HOUR_MS, toMs: MINUTE_AT_MS + HOUR_MS, stepMs: 60_000 }
  return (await request(bus, usageQuery, [], { ...span, ...given })).points
}

function groups(points: readonly UsagePoint[]): Record<string, number> {
  return Object.fromEntries(points.map(({ group, requests }) => [group, requests]))
}

function batch(number: number, events: ResponseEvent[]): ResponseBatch {
  return { connectionId: 'c', provider: 'openai', gateway: 'g', batch: number, events }
}

function event(inputTokens: number, given: Partial<ResponseEvent> = {}): ResponseEvent {
  return {
    requestId: 'r',
    startedAtMs: MINUTE_AT_MS,
    endedAtMs: MINUTE_AT_MS,
    apiKeyId: 'k',
    model: 'm',
    outcome: 'success',
    usage: { inputTokens, outputTokens: 2, cachedInputTokens: 1, reasoningTokens: 0 },
    ...given,
  }
}

function denied(given: Partial<ResponseEvent>): ResponseEvent {
  const { usage: _none, ...rest } = event(0, given)
  return { ...rest, outcome: 'denied' }
}
