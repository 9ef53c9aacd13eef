import { CapacityConfig, start as startCapacity } from '@sluice/capacity'
import {
  CONNECTION_DEFAULTS,
  capacityMembers,
  capacityStatus,
  connectionProjection,
  instancePermitBatch,
} from '@sluice/contracts'
import { type Bus, connectBus, openBucket, request, serve } from '@sluice/messaging'
import { createLogger, readConfig, type Service } from '@sluice/service-kit'
import { eventually, type TestNats, testNats } from '@sluice/testkit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type RunningPermits, startPermits } from '../src/permits/start-permits.ts'

const noWait = { maxWaitMs: 0, disconnected: () => AbortSignal.abort() }
let nats: TestNats
let bus: Bus
let permits: RunningPermits
let instances: Map<string, Service>

beforeEach(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'test' })
  instances = new Map()
  const connections = await openBucket(bus, connectionProjection)
  for (const id of ['c0', 'c1', 'c2', 'c3', 'c4', 'c5']) {
    await connections.put(id, {
      id,
      name: id,
      provider: 'openai',
      config: {},
      ...CONNECTION_DEFAULTS,
      capacity: [{ period: 'hour', requests: 1_000_000 }],
      version: 1,
    })
  }
})

afterEach(async () => {
  await permits.stop(1_000)
  await Promise.all([...instances.values()].map((instance) => instance.stop()))
  await bus.close()
  await nats.stop()
})

async function startInstance(name: string): Promise<void> {
  const config = readConfig(CapacityConfig, { NATS_URL: nats.url, CAPACITY_INSTANCE: name })
  instances.set(name, await startCapacity(config, createLogger('capacity', 'silent')))
}

async function stopInstance(name: string): Promise<void> {
  await instances.get(name)?.stop()
  instances.delete(name)
}

async function startGatewayPermits(): Promise<void> {
  const onFault = (error: unknown) => {
    throw error
  }
  const logger = createLogger('gateway', 'silent')
  permits = await startPermits(bus, { gateway: 'g', maxWaiting: 10, onFault, logger })
}

const acquire = (connectionId: string) =>
  permits.acquire({ connectionId, apiKeyId: 'k', model: 'm', pool: '', tokens: 1 }, noWait)

const usedOf = async (id: string) => (await request(bus, capacityStatus, [id], {})).windows[0]?.used

it('loses no request and no count while instances come and go', async () => {
  await Promise.all([startInstance('a'), startInstance('b')])
  await startGatewayPermits()
  let isOver = false
  let granted = 0
  const others: unknown[] = []
  const callers = Array.from({ length: 24 }, async (_, caller) => {
    while (!isOver) {
      const outcome = await acquire(`c${caller % 6}`)
      if (outcome.status === 'granted') granted++
      else others.push(outcome)
    }
  })
  await stopInstance('a')
  await startInstance('c')
  await stopInstance('b')
  await startInstance('d')
  await stopInstance('c')
  const beforeMs = performance.now()
  await eventually(() => expect(performance.now() - beforeMs).toBeGreaterThan(200))
  isOver = true
  await Promise.all(callers)
  expect(others).toEqual([])
  expect(granted).toBeGreaterThan(500)
  let used = 0
  for (let index = 0; index < 6; index++) used += (await usedOf(`c${index}`)) ?? 0
  expect(used).toBe(granted)
})

it('tries the next instance at once if a member has no responder', async () => {
  await startInstance('alive')
  const members = await openBucket(bus, capacityMembers)
  for (const instance of ['dead-1', 'dead-2', 'dead-3'])
    await members.put(instance, { instance, startedAtMs: 1, clockMs: 1 })
  await startGatewayPermits()
  for (let index = 0; index < 6; index++) {
    const startedAtMs = performance.now()
    expect(await acquire(`c${index}`)).toMatchObject({ status: 'granted' })
    expect(performance.now() - startedAtMs).toBeLessThan(250)
  }
})

it('tries another instance if one never replies, and counts each permit once', async () => {
  await startInstance('alive')
  const members = await openBucket(bus, capacityMembers)
  await members.put('silent', { instance: 'silent', startedAtMs: 1, clockMs: 1 })
  const taken: unknown[] = []
  serve(bus, instancePermitBatch, (permitBatch) => new Promise(() => taken.push(permitBatch)), {
    identifiers: ['silent'],
    onFault: () => undefined,
  })
  await bus.connection.flush()
  await startGatewayPermits()
  const outcomes = await Promise.all(Array.from({ length: 60 }, (_, index) => acquire(`c${index % 6}`)))
  expect(taken.length).toBeGreaterThan(0)
  expect(outcomes.every(({ status }) => status === 'granted')).toBe(true)
  for (let index = 0; index < 6; index++) expect(await usedOf(`c${index}`)).toBe(10)
})

it('finds capacity as soon as it starts, and is unavailable until then', async () => {
  await startGatewayPermits()
  expect(await acquire('c0')).toEqual({ status: 'unavailable' })
  await startInstance('late')
  await eventually(async () => {
    expect(await acquire('c0')).toMatchObject({ status: 'granted' })
  })
})

it('charges requests later that were let through while capacity was unavailable', async () => {
  await startGatewayPermits()
  expect(await acquire('c0')).toEqual({ status: 'unavailable' })
  permits.failOpen('c0', 'm').settle({ requests: 1, tokens: 40 })
  await startInstance('late')
  await eventually(async () => expect(await usedOf('c0')).toBe(1), { timeoutMs: 10_000 })
})

it('keeps charges while NATS is killed and restarted', async () => {
  await startInstance('a')
  await startGatewayPermits()
  for (let index = 0; index < 10; index++) await acquire('c0')
  await nats.kill()
  await nats.restart()
  await eventually(async () => expect(await acquire('c0')).toMatchObject({ status: 'granted' }), { timeoutMs: 15_000 })
  // One that was granted too late for its caller is given back.
  await eventually(async () => expect(await usedOf('c0')).toBe(11))
})
