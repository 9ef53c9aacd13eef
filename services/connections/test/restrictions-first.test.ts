import { apiKeyProjection, connectionChanged, connectionProjection } from '@sluice/contracts'
import { type Bus, connectBus, openBucket, subscribeEvent } from '@sluice/messaging'
import { hashAccessToken } from '@sluice/service-kit'
import { eventually, type TestDatabase, type TestNats, testDatabase, testNats } from '@sluice/testkit'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openAiConnection, startConnections, type TestConnections } from './support/start-connections.ts'

const CREATIONS = 5_000
let nats: TestNats
let database: TestDatabase
let bus: Bus
let sql: pg.Client
let service: TestConnections

beforeEach(async () => {
  ;[nats, database] = await Promise.all([testNats(), testDatabase('connections')])
  bus = await connectBus({ servers: nats.url, name: 'test' })
  sql = new pg.Client({ connectionString: database.url })
  await sql.connect()
  service = await startConnections({ natsUrl: nats.url, databaseUrl: database.url })
})
afterEach(async () => {
  await service.stop()
  await bus.close()
  await sql.end()
  await Promise.all([nats.stop(), database.drop()])
})

/** Inserts keys and connections as thousands of creations do, each with an outbox entry. */
async function queueCreations(): Promise<void> {
  await sql.query(
    `with made as (
      insert into connections.api_keys (id, name, hash, hint, connections, created_at)
      select gen_random_uuid(), 'bulk ' || n, md5(n::text) || md5('k' || n), '…', '"*"', now() from generate_series(1, $1) n
      returning hash
    ) insert into connections.outbox (kind, key) select 'api-key', hash from made`,
    [CREATIONS / 2],
  )
  await sql.query(
    `with made as (
      insert into connections.connections (id, name, provider, config, description, capacity, default_max_output_tokens,
        token_reservation, on_capacity_unavailable, max_wait_ms, enforce_discovered, allow_administration, request_stream_usage, enabled,
        version, created_at, updated_at)
      select gen_random_uuid(), 'bulk ' || n, 'openai', '{}', '', '[]', 1024, 'maximum', 'reject', 0, false, false, true, true, 1,
        now(), now()
      from generate_series(1, $1) n
      returning id, name
    ) insert into connections.outbox (kind, key, change)
      select 'connection', id, json_build_object('connectionId', id, 'name', name, 'change', 'created', 'version', 1) from made`,
    [CREATIONS / 2],
  )
}

async function queued(): Promise<number> {
  return (await sql.query('select 1 from connections.outbox')).rowCount ?? 0
}

it('publishes restrictions within a second while thousands of creations are queued, with each connection’s events in order', async () => {
  const create = async (path: string, document: object) =>
    (await service.call('POST', `/api/v1/${path}`, document)).body
  const disabled = await create('connections', openAiConnection)
  const deleted = await create('connections', { ...openAiConnection, name: 'deleted' })
  const revoked = await create('api-keys', { name: 'revoked', connections: '*' })
  const narrowed = await create('api-keys', { name: 'narrowed', connections: '*' })
  await eventually(async () => expect(await queued()).toBe(0))
  const events: number[] = []
  subscribeEvent(
    bus,
    connectionChanged,
    ({ connectionId, version }) => {
      if (connectionId === disabled.id) events.push(version)
    },
    () => undefined,
  )
  const connections = await openBucket(bus, connectionProjection)
  const apiKeys = await openBucket(bus, apiKeyProjection)
  await queueCreations()
  await service.call('PATCH', `/api/v1/connections/${disabled.id}`, { maxWaitMs: 5 })

  const startedAtMs = performance.now()
  await Promise.all([
    service.call('DELETE', `/api/v1/api-keys/${revoked.id}`),
    service.call('PATCH', `/api/v1/api-keys/${narrowed.id}`, { connections: [disabled.id] }),
    service.call('PATCH', `/api/v1/connections/${disabled.id}`, { enabled: false }),
    service.call('DELETE', `/api/v1/connections/${deleted.id}`),
  ])
  await eventually(
    async () => {
      expect((await apiKeys.get(hashAccessToken(revoked.key))).value).toBeUndefined()
      expect((await apiKeys.get(hashAccessToken(narrowed.key))).value).toMatchObject({ connections: [disabled.id] })
      expect((await connections.get(disabled.id)).value).toMatchObject({ enabled: false })
      expect((await connections.get(deleted.id)).value).toBeUndefined()
    },
    { timeoutMs: 60_000 },
  )
  const afterMs = performance.now() - startedAtMs
  expect(afterMs).toBeLessThan(1_000)
  // Otherwise no creation would have waited.
  expect(await queued()).toBeGreaterThan(0)
  await eventually(async () => expect(await queued()).toBe(0), { timeoutMs: 60_000 })
  expect((await connections.keys()).length).toBe(CREATIONS / 2 + 2)
  expect((await apiKeys.keys()).length).toBe(CREATIONS / 2 + 2)
  expect(events).toEqual([2, 3])
}, 120_000)
