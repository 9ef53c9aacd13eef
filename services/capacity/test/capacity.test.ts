import {
  CONNECTION_DEFAULTS,
  capacityRecords,
  capacityStatus,
  connectionProjection,
  type DiscoveredLimit,
  discovered,
  instancePermitBatch,
  PERMIT_BATCH_MAX_AGE_MS,
  type PermitBatchRequest,
  type PermitResult,
  type ProjectedConnection,
  permitBatch,
} from '@sluice/contracts'
import { type Bucket, type Bus, connectBus, openBucket, request } from '@sluice/messaging'
import { createLogger, readConfig, type Service } from '@sluice/service-kit'
import { eventually, type TestNats, testNats } from '@sluice/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { CapacityConfig, start } from '../src/index.ts'

const logger = createLogger('capacity', 'silent')
let nats: TestNats
let bus: Bus
let connections: Bucket<ProjectedConnection>
let records: Bucket<unknown>
let instances: Service[]

const startInstance = (name: string) =>
  start(readConfig(CapacityConfig, { NATS_URL: nats.url, CAPACITY_INSTANCE: name }), logger)

beforeAll(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'test' })
  connections = await openBucket(bus, connectionProjection)
  records = await openBucket(bus, capacityRecords)
  instances = await Promise.all(['one', 'two'].map(startInstance))
})

afterAll(async () => {
  await Promise.all(instances.map((instance) => instance.stop()))
  await bus.close()
  await nats.stop()
})

async function connectionWith(
  id: string,
  capacity: ProjectedConnection['capacity'],
  more: Partial<ProjectedConnection> = {},
): Promise<void> {
  await connections.put(id, {
    id,
    name: id,
    provider: 'openai',
    config: {},
    ...CONNECTION_DEFAULTS,
    capacity,
    version: 1,
    ...more,
  })
}

function acquires(
  gateway: string,
  seq: number,
  count: number,
  more: Partial<PermitBatchRequest> = {},
): PermitBatchRequest {
  const acquire = { model: 'm', requests: 1, tokens: 10 }
  return {
    gateway,
    seq,
    asOfMs: Date.now(),
    acquires: Array.from({ length: count }, () => acquire),
    settlements: [],
    ...more,
  }
}

const through = async (instance: string, connectionId: string, body: PermitBatchRequest): Promise<PermitResult[]> =>
  (await request(bus, instancePermitBatch, [instance, connectionId], body)).results

const granted = (results: readonly PermitResult[]) => results.filter(({ status }) => status === 'granted')

it('admits exactly the limit when two instances race over one connection', async () => {
  await connectionWith('busy', [{ period: 'minute', requests: 20 }])
  const results = await Promise.all(
    Array.from({ length: 200 }, (_, i) => through(i % 2 === 0 ? 'one' : 'two', 'busy', acquires(`g${i}`, 1, 1))),
  )
  expect(granted(results.flat())).toHaveLength(20)
  expect(await request(bus, capacityStatus, ['busy'], {})).toMatchObject({
    windows: [{ used: 20, reserved: 20, remaining: 0, limit: 20 }],
  })
})

it('a repeated batch gets the same permits, whichever instance it reaches', async () => {
  await connectionWith('repeated', [{ period: 'minute', requests: 5 }])
  const first = await through('one', 'repeated', acquires('g', 1, 4))
  const again = await through('two', 'repeated', acquires('g', 1, 4, { repeat: true }))
  expect(again).toEqual(first)
  const rest = await through('one', 'repeated', acquires('g', 2, 4))
  expect(granted(rest)).toHaveLength(1)
})

it('an instance recognizes a repeated batch although its own record is old and full', async () => {
  await connectionWith('old-record', [{ period: 'minute', requests: 3 }])
  const others = await through('two', 'old-record', acquires('other', 1, 2))
  expect(granted(others)).toHaveLength(2)
  const first = await through('one', 'old-record', acquires('g', 1, 3))
  const again = await through('two', 'old-record', acquires('g', 1, 3, { repeat: true }))
  expect(again).toEqual(first)
  expect(granted(first)).toHaveLength(1)
})

it('refuses a batch whose session has applied later ones', async () => {
  await connectionWith('stale', [{ period: 'minute', requests: 5 }])
  await through('one', 'stale', acquires('g', 1, 1))
  await through('one', 'stale', acquires('g', 2, 1))
  await expect(through('two', 'stale', acquires('g', 1, 1, { repeat: true }))).rejects.toMatchObject({
    code: 'stale_permit_batch',
  })
})

it('refuses a batch that was delayed for longer than sessions are remembered, and applies none of it', async () => {
  await connectionWith('late', [{ period: 'hour', requests: 5 }])
  const [first] = await through('one', 'late', acquires('g', 1, 5))
  if (first?.status !== 'granted') throw new Error('the window is empty')
  const back = {
    chargedAtMs: first.chargedAtMs,
    reserved: { requests: 5, tokens: 50 },
    actual: { requests: 0, tokens: 0 },
  }
  const late = acquires('g-before', 7, 0, { settlements: [back], asOfMs: Date.now() - PERMIT_BATCH_MAX_AGE_MS - 1_000 })
  await expect(through('two', 'late', late)).rejects.toMatchObject({ code: 'stale_permit_batch' })
  expect(granted(await through('two', 'late', acquires('h', 1, 1)))).toHaveLength(0)
})

it('frees on one instance what was refunded through the other', async () => {
  await connectionWith('refunded', [{ period: 'minute', requests: 2 }])
  const [first] = await through('one', 'refunded', acquires('g', 1, 2))
  if (first?.status !== 'granted') throw new Error('the window is empty')
  expect(granted(await through('two', 'refunded', acquires('h', 1, 1)))).toHaveLength(0)
  const nothing = { requests: 0, tokens: 0 }
  const settlements = [{ chargedAtMs: first.chargedAtMs, reserved: { requests: 1, tokens: 10 }, actual: nothing }]
  await through('two', 'refunded', { gateway: 'g', seq: 2, asOfMs: Date.now(), acquires: [], settlements })
  expect(granted(await through('two', 'refunded', acquires('h', 2, 2)))).toHaveLength(1)
})

it('applies changed limits from the next decision on, with the history kept', async () => {
  await connectionWith('changed', [{ period: 'minute', requests: 2 }])
  await through('one', 'changed', acquires('g', 1, 2))
  await connectionWith('changed', [{ period: 'hour', requests: 3 }])
  await eventually(async () => {
    const status = await request(bus, capacityStatus, ['changed'], {})
    expect(status.windows).toMatchObject([{ period: 'hour', limit: 3, used: 2 }])
  })
  await eventually(async () => {
    const { windows } = await request(bus, instancePermitBatch, ['one', 'changed'], acquires('probe', 1, 0))
    expect(windows).toMatchObject([{ period: 'hour', limit: 3 }])
  })
  expect(granted(await through('one', 'changed', acquires('g', 2, 2)))).toHaveLength(1)
})

it('writes nothing for a storm of denied requests', async () => {
  await connectionWith('storm', [{ period: 'minute', requests: 1 }])
  await through('one', 'storm', acquires('g', 1, 1))
  const { revision } = await records.get('storm')
  for (let seq = 2; seq < 50; seq++) await through('one', 'storm', acquires('g', seq, 100))
  expect((await records.get('storm')).revision).toBe(revision)
})

it('a deleted connection is unknown, and has kept its charges when it is restored', async () => {
  const capacity = [{ period: 'minute' as const, requests: 3 }]
  await connectionWith('deleted', capacity)
  expect(granted(await through('one', 'deleted', acquires('g', 1, 2)))).toHaveLength(2)
  await connections.delete('deleted')
  await eventually(() =>
    expect(through('one', 'deleted', acquires('g', 2, 0))).rejects.toMatchObject({ code: 'connection_not_found' }),
  )
  await connectionWith('deleted', capacity)
  const after = await eventually(() => through('one', 'deleted', acquires('h', 1, 3)))
  expect(granted(after)).toHaveLength(1)
})

it('rejects a malformed batch at once and serves the next one', async () => {
  await connectionWith('malformed', [{ period: 'minute', requests: 1 }])
  const bodies = ['', 'not json', '[]', '{"gateway":"g","seq":0,"acquires":[],"settlements":[]}', '{"gateway":"g"}']
  for (const body of bodies) {
    const reply = await bus.connection.request(permitBatch.subject('malformed'), body, { timeout: 400 })
    expect(reply.headers?.get('Nats-Service-Error-Code')).toBe('invalid_request')
  }
  expect(granted(await through('one', 'malformed', acquires('g', 1, 1)))).toHaveLength(1)
})

it('refuses a batch for a connection that does not exist', async () => {
  await expect(through('one', 'no-such', acquires('g', 1, 1))).rejects.toMatchObject({ code: 'connection_not_found' })
})

it('charges survive a restart of all instances and of the server', async () => {
  await connectionWith('restarted', [{ period: 'hour', requests: 5 }])
  expect(granted(await through('one', 'restarted', acquires('g', 1, 3)))).toHaveLength(3)
  await Promise.all(instances.map((instance) => instance.stop()))
  await nats.kill()
  await nats.restart()
  instances = await Promise.all(['one', 'two'].map(startInstance))
  await eventually(() => through('two', 'restarted', acquires('probe', 1, 0)))
  expect(granted(await through('two', 'restarted', acquires('h', 1, 3)))).toHaveLength(2)
})

it('a stopping instance replies to the batches it has accepted, and accepts no more', async () => {
  await connectionWith('drained', [{ period: 'minute', requests: 1_000 }])
  const three = await startInstance('three')
  const sent = Array.from({ length: 50 }, (_, i) => through('three', 'drained', acquires(`d${i}`, 1, 1)))
  await bus.connection.flush()
  await three.stop()
  expect(granted((await Promise.all(sent)).flat())).toHaveLength(50)
  await expect(through('three', 'drained', acquires('late', 1, 1))).rejects.toMatchObject({ name: 'NoRespondersError' })
})

it('enforces the discovered limit of a model as soon as it is discovered, if the connection enforces those', async () => {
  const limit: DiscoveredLimit = {
    model: 'm',
    dimension: 'requests',
    limit: 6,
    periodMs: 60_000,
    firstSeenAtMs: Date.now(),
    lastSeenAtMs: Date.now(),
    changes: 0,
  }
  const bucket = await openBucket(bus, discovered)
  for (const id of ['enforcing', 'not-enforcing']) {
    await connectionWith(id, [{ period: 'minute', requests: 100 }], { enforceDiscovered: id === 'enforcing' })
    expect(granted(await through('one', id, acquires('g', 1, 4)))).toHaveLength(4)
    await bucket.put(id, { connectionId: id, limits: [limit] })
  }
  const probe = { model: 'm', requests: 3, tokens: 0, probe: true }
  await eventually(async () => {
    for (const instance of ['one', 'two']) {
      const results = await through(instance, 'enforcing', acquires('probing', 1, 0, { acquires: [probe] }))
      expect(results).toMatchObject([{ code: 'capacity_exceeded', limit: 6, model: 'm' }])
    }
  })
  const reply = await request(bus, instancePermitBatch, ['two', 'enforcing'], acquires('h', 1, 4))
  expect(granted(reply.results)).toHaveLength(2)
  expect(reply.byModel).toBe(true)
  const other = { model: 'other', requests: 1, tokens: 0 }
  expect(granted(await through('one', 'enforcing', acquires('i', 1, 0, { acquires: [other] })))).toHaveLength(1)
  const free = await request(bus, instancePermitBatch, ['one', 'not-enforcing'], acquires('h', 1, 4))
  expect(granted(free.results)).toHaveLength(4)
  expect(free).not.toHaveProperty('byModel')
})
