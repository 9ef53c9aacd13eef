import {
  CONNECTION_DEFAULTS,
  connectionProjection,
  type DiscoveredLimit,
  discovered,
  discoveredChanged,
  discoveryStatus,
  listDiscovered,
  type ProjectedConnection,
  type ResponseBatch,
  type ResponseEvent,
  responses,
} from '@sluice/contracts'
import {
  type Bucket,
  type Bus,
  connectBus,
  ensureStream,
  openBucket,
  publishToStream,
  request,
  subscribeEvent,
} from '@sluice/messaging'
import { createLogger, readConfig, type Service } from '@sluice/service-kit'
import { breakableProxy, eventually, type TestDatabase, type TestNats, testDatabase, testNats } from '@sluice/testkit'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { DiscoveryConfig, start } from '../src/index.ts'

const SEEN_AT_MS = 1_764_000_000_000

let nats: TestNats
let database: TestDatabase
let admin: pg.Client
let bus: Bus
let connections: Bucket<ProjectedConnection>
const services: Service[] = []

beforeEach(async () => {
  ;[nats, database] = await Promise.all([testNats(), testDatabase('discovery')])
  admin = new pg.Client({ connectionString: database.url })
  await admin.connect()
  bus = await connectBus({ servers: nats.url, name: 'discovery.test' })
  await ensureStream(bus, responses)
  connections = await openBucket(bus, connectionProjection)
  for (const id of ['c', 'c0', 'c1', 'c2', 'c3']) await connections.put(id, projectedConnection(id))
})
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.stop()))
  await Promise.all([bus.close(), admin.end()])
  await Promise.all([nats.stop(), database.drop()])
})

it('stores, lists, projects and announces the limits that responses report', async () => {
  const announced: unknown[] = []
  subscribeEvent(
    bus,
    discoveredChanged,
    (change) => announced.push(change),
    () => undefined,
  )
  await startDiscovery()
  await publish(batch(1, [responseAt(0, 500), responseAt(10, 500), responseAt(20, 600, { model: 'other' })]), 'g-1')
  await publish(batch(2, [responseAt(30, 400)]), 'g-2')
  const limits = [
    expect.objectContaining({ model: 'm', dimension: 'requests', limit: 400, periodMs: 60_000, changes: 1 }),
    expect.objectContaining({ model: 'other', limit: 600, remaining: 599, changes: 0 }),
  ]
  await eventually(async () => expect(await list()).toEqual(limits))
  expect((await list())[0]).toMatchObject({
    remaining: 399,
    resetAtMs: SEEN_AT_MS + 30 + 150,
    firstSeenAtMs: SEEN_AT_MS,
    lastSeenAtMs: SEEN_AT_MS + 30,
  })
  await eventually(async () => expect((await projected())?.limits).toEqual(await list()))
  expect(announced).toEqual([
    { connectionId: 'c', model: 'm', dimension: 'requests', newLimit: 500, changedAtMs: SEEN_AT_MS },
    { connectionId: 'c', model: 'other', dimension: 'requests', newLimit: 600, changedAtMs: SEEN_AT_MS + 20 },
    {
      connectionId: 'c',
      model: 'm',
      dimension: 'requests',
      oldLimit: 500,
      newLimit: 400,
      changedAtMs: SEEN_AT_MS + 30,
    },
  ])
  expect(await history()).toEqual([
    { model: 'm', old_limit: null, new_limit: '500' },
    { model: 'other', old_limit: null, new_limit: '600' },
    { model: 'm', old_limit: '500', new_limit: '400' },
  ])
})

it('is not misled by responses that arrive late, twice, or while instances come and go', async () => {
  const first = await startDiscovery()
  await publish(batch(1_000, [responseAt(5_000, 900)]), 'newest')
  await eventually(async () => expect(await list()).toMatchObject([{ limit: 900 }]))
  for (let number = 1; number <= 60; number++) {
    const sent = batch(number, [responseAt(number, 100 + number), responseAt(6_000 + number, 900)])
    await publish(sent, `g-${number}`)
    await publish(sent, `again-${number}`)
    if (number === 20) await startDiscovery()
    if (number === 40) await first.stop()
  }
  await publish(batch(2_000, [responseAt(9_000, 901)]), 'last')
  await eventually(async () => expect(await list()).toMatchObject([{ limit: 901, changes: 1 }]))
  await eventually(handledAll)
  expect(await list()).toMatchObject([{ limit: 901, lastSeenAtMs: SEEN_AT_MS + 9_000, changes: 1 }])
  expect((await projected())?.limits).toEqual(await list())
  expect(await history()).toEqual([
    { model: 'm', old_limit: null, new_limit: '900' },
    { model: 'm', old_limit: '900', new_limit: '901' },
  ])
})

it('stores each change once when instances learn of one connection at a time', async () => {
  for (let number = 1; number <= 400; number++) {
    await publish(batch(number, [responseAt(number, 100)], `c${number % 4}`), `g-${number}`)
  }
  await Promise.all([startDiscovery(), startDiscovery(), startDiscovery()])
  await eventually(handledAll)
  expect(await history()).toHaveLength(4)
  for (const connectionId of ['c0', 'c1', 'c2', 'c3']) {
    expect(await list(connectionId)).toMatchObject([{ limit: 100, changes: 0 }])
    expect((await projected(connectionId))?.limits).toEqual(await list(connectionId))
  }
})

it('waits for PostgreSQL, at its start and later, and loses nothing', async () => {
  const proxy = await breakableProxy(database.url)
  await proxy.cut()
  const starting = startDiscovery(proxy.url)
  await publish(batch(1, [responseAt(1, 100)]), 'g-1')
  await proxy.mend()
  await starting
  await eventually(async () => expect(await list()).toMatchObject([{ limit: 100 }]))

  await proxy.cut()
  await publish(batch(2, [responseAt(2, 200)]), 'g-2')
  await expect(list()).rejects.toMatchObject({ code: 'unavailable' })
  await publish(batch(3, [responseAt(3, 300)]), 'g-3')
  await proxy.mend()
  await eventually(async () => expect(await list()).toMatchObject([{ limit: 300 }]), { timeoutMs: 10_000 })
  await eventually(async () => expect((await projected())?.limits).toMatchObject([{ limit: 300 }]))
  await Promise.all(services.splice(0).map((service) => service.stop()))
  await proxy.cut()
})

it('keeps messages that can never be learned from as dead letters, and learns from the others of their batch', async () => {
  await bus.jetstream.publish(responses.subject('c'), 'not JSON')
  await publish(batch(1, [responseAt(1, 100)]), 'g-1')
  await publish(batch(2, [responseAt(-1e300, 100, { model: 'before time' })]), 'g-2')
  await publish(batch(3, [responseAt(3, 100, { model: `m\0${'m'.repeat(10_000)}` })]), 'g-3')
  await publish({ ...batch(4, [responseAt(4, 100)]), connectionId: '' }, 'g-4')
  const beyondTime = [{ dimension: 'tokens', limit: 5, resetMs: Number.MAX_SAFE_INTEGER }]
  await publish(batch(6, [responseAt(6, 100, { rateLimits: beyondTime })]), 'g-6')
  await startDiscovery()
  await publish(batch(5, [responseAt(5, 200)]), 'g-5')
  await eventually(handledAll)
  expect(await list()).toMatchObject([
    { model: 'm', limit: 200 },
    { model: `m\ufffd${'m'.repeat(254)}`, limit: 100 },
  ])
  expect((await request(bus, discoveryStatus, [], {})).deadLetters).toEqual({
    count: 4,
    latest: expect.arrayContaining([
      expect.objectContaining({ streamSequence: 1, reason: 'the message is not JSON' }),
      expect.objectContaining({ streamSequence: 3, subject: 'gateway.v1.responses.c', reason: expect.any(String) }),
      expect.objectContaining({ streamSequence: 5, reason: expect.stringContaining('connectionId') }),
    ]),
  })
  const kept = await admin.query('select data from discovery.dead_letters order by stream_sequence')
  expect(kept.rows.map(({ data }) => String(data))).toEqual([
    'not JSON',
    expect.stringContaining('before time'),
    expect.stringContaining('"connectionId":""'),
    expect.stringContaining('"resetMs":9007199254740991'),
  ])
  expect((await projected())?.limits).toEqual(await list())
})

it('counts what it cannot parse, and reports it', async () => {
  await startDiscovery()
  const illegible = { 'x-ratelimit-limit-requests': '500', 'x-ratelimit-remaining-requests': 'some' }
  await publish(
    batch(
      1,
      [1, 2, 3].map((atMs) => responseAt(atMs, 500, { rateLimitHeaders: illegible })),
    ),
    'g-1',
  )
  await eventually(async () =>
    expect((await request(bus, discoveryStatus, [], {})).unreadable).toEqual([
      { provider: 'openai', dimension: 'requests', part: 'remaining', responses: 3 },
    ]),
  )
  await eventually(async () => expect(await list()).toMatchObject([{ limit: 500, lastSeenAtMs: SEEN_AT_MS + 3 }]))
  expect((await list())[0]).not.toHaveProperty('remaining')
})

it('forgets a connection that is deleted, and learns nothing from what comes late', async () => {
  await startDiscovery()
  await publish(batch(1, [responseAt(1, 100)]), 'g-1')
  await publish(batch(1, [responseAt(1, 100)], 'c1'), 'g-2')
  await eventually(async () => expect(await projected()).toBeDefined())
  await eventually(async () => expect(await projected('c1')).toBeDefined())
  await connections.delete('c')
  await eventually(() => expectForgotten('c'))
  await publish(batch(2, [responseAt(2, 200)]), 'g-3')
  await publish(batch(2, [responseAt(2, 200)], 'c1'), 'g-4')
  await eventually(async () => expect(await list('c1')).toMatchObject([{ limit: 200 }]))
  await eventually(handledAll)
  await expectForgotten('c')
})

it.each([
  ['with a marker', () => connections.delete('c')],
  ['without a trace', () => connections.erase('c')],
])('forgets at its start what was deleted meanwhile, %s', async (_, remove) => {
  const first = await startDiscovery()
  await publish(batch(1, [responseAt(1, 100)]), 'g-1')
  await publish(batch(1, [responseAt(1, 100)], 'c1'), 'g-2')
  await eventually(async () => expect(await projected()).toBeDefined())
  await eventually(async () => expect(await projected('c1')).toBeDefined())
  await first.stop()
  await remove()
  await startDiscovery()
  await eventually(() => expectForgotten('c'))
  expect((await projected('c1'))?.limits).toEqual(await list('c1'))
})

it('keeps everything while the projection is yet to be filled', async () => {
  const first = await startDiscovery()
  await publish(batch(1, [responseAt(1, 100)]), 'g-1')
  await eventually(async () => expect(await projected()).toBeDefined())
  await first.stop()
  for (const id of ['c', 'c0', 'c1', 'c2', 'c3']) await connections.erase(id)
  await startDiscovery()
  await connections.put('c', projectedConnection('c'))
  await publish(batch(2, [responseAt(2, 200)]), 'g-2')
  await eventually(async () => expect(await list()).toMatchObject([{ limit: 200, changes: 1 }]))
})

it('lists nothing of a connection that it knows nothing of', async () => {
  await startDiscovery()
  expect(await list('unknown')).toEqual([])
})

async function startDiscovery(databaseUrl = database.url): Promise<Service> {
  const config = readConfig(DiscoveryConfig, { NATS_URL: nats.url, DATABASE_URL: databaseUrl })
  const service = await start(config, createLogger('discovery', 'silent'))
  services.push(service)
  return service
}

/** The stream's subject is `c`'s where the batch's own connection has none. */
function publish(sent: ResponseBatch, messageId: string): Promise<void> {
  return publishToStream(bus, responses, [sent.connectionId || 'c'], sent, messageId)
}

async function list(connectionId = 'c'): Promise<DiscoveredLimit[]> {
  return (await request(bus, listDiscovered, [], { connectionId })).items
}

async function projected(connectionId = 'c') {
  return (await (await openBucket(bus, discovered)).get(connectionId)).value
}

async function history(): Promise<unknown[]> {
  return (await admin.query('select model, old_limit, new_limit from discovery.limit_history order by id')).rows
}

/** Neither its limits, nor their history, nor its entry in the projection are there. */
async function expectForgotten(connectionId: string): Promise<void> {
  expect(await list(connectionId)).toEqual([])
  expect(await projected(connectionId)).toBeUndefined()
  const history = await admin.query('select 1 from discovery.limit_history where connection_id = $1', [connectionId])
  expect(history.rowCount).toBe(0)
}

function projectedConnection(id: string): ProjectedConnection {
  return {
    id,
    name: id,
    provider: 'openai',
    config: {},
    ...CONNECTION_DEFAULTS,
    version: 1,
  }
}

async function handledAll(): Promise<void> {
  const consumer = await bus.jetstreamManager.consumers.info(responses.name, 'discovery')
  expect(consumer).toMatchObject({ num_pending: 0, num_ack_pending: 0 })
}

function batch(number: number, events: ResponseEvent[], connectionId = 'c'): ResponseBatch {
  return { connectionId, provider: 'openai', gateway: 'g', batch: number, events }
}

/** The event of a response at `atMs` after the first, with a limit per minute of which one request is used. */
function responseAt(atMs: number, limit: number, given: Partial<ResponseEvent> = {}): ResponseEvent {
  return {
    requestId: 'r',
    startedAtMs: SEEN_AT_MS,
    endedAtMs: SEEN_AT_MS,
    apiKeyId: 'k',
    model: 'm',
    outcome: 'success',
    headersAtMs: SEEN_AT_MS + atMs,
    rateLimitHeaders: {
      'x-ratelimit-limit-requests': `${limit}`,
      'x-ratelimit-remaining-requests': `${limit - 1}`,
      'x-ratelimit-reset-requests': `${Math.ceil(60_000 / limit)}ms`,
    },
    ...given,
  }
}
