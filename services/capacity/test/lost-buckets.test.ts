import {
  CONNECTION_DEFAULTS,
  capacityHealth,
  capacityMembers,
  capacityRecords,
  clockMarks,
  connectionProjection,
  instancePermitBatch,
  type PermitBatchReply,
} from '@sluice/contracts'
import { type Bus, connectBus, openBucket, request } from '@sluice/messaging'
import { createLogger, readConfig, type Service } from '@sluice/service-kit'
import { eventually, type TestNats, testNats } from '@sluice/testkit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { CapacityConfig, start } from '../src/index.ts'

const LIMIT = 10
let nats: TestNats
let bus: Bus
const instances = new Map<string, Service>()

beforeEach(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'test' })
  const connections = await openBucket(bus, connectionProjection)
  for (const id of ['c', 'd']) {
    const settings = { ...CONNECTION_DEFAULTS, capacity: [{ period: 'hour' as const, requests: LIMIT }], version: 1 }
    await connections.put(id, { id, name: id, provider: 'openai', config: {}, ...settings })
  }
  // As a gateway may that has started first.
  await openBucket(bus, capacityMembers)
})

afterEach(async () => {
  for (const instance of instances.keys()) await stopInstance(instance)
  await bus.close()
  await nats.stop()
})

async function startInstance(instance: string): Promise<void> {
  const settings = readConfig(CapacityConfig, { NATS_URL: nats.url, CAPACITY_INSTANCE: instance })
  instances.set(instance, await start(settings, createLogger('capacity', 'silent')))
}

async function stopInstance(instance: string): Promise<void> {
  await instances.get(instance)?.stop()
  instances.delete(instance)
}

async function remove(buckets: readonly { readonly name: string }[]): Promise<void> {
  for (const { name } of buckets) await bus.jetstreamManager.streams.delete(`KV_${name}`)
}

let gateways = 0
/** How many of `permits` a new gateway is granted. */
async function granted(instance: string, connectionId: string, permits: number): Promise<number> {
  const acquires = Array.from({ length: permits }, () => ({ model: 'm', requests: 1, tokens: 1 }))
  const permitBatch = { gateway: `g${++gateways}`, seq: 1, asOfMs: Date.now(), acquires, settlements: [] }
  const { results }: PermitBatchReply = await request(bus, instancePermitBatch, [instance, connectionId], permitBatch)
  return results.filter(({ status }) => status === 'granted').length
}

/** The same, repeated while the instance is unavailable. */
const grantedAgain = (instance: string, connectionId: string, permits: number) =>
  eventually(() => granted(instance, connectionId, permits), { timeoutMs: 20_000 })

const lost = [
  { what: 'records', buckets: [capacityRecords] },
  { what: 'clock marks', buckets: [clockMarks] },
  { what: 'records and clock marks', buckets: [capacityRecords, clockMarks] },
]

for (const { what, buckets } of lost) {
  it(`counts as used what was counted before the bucket of ${what} was removed, at each start after`, async () => {
    await startInstance('one')
    expect(await granted('one', 'c', LIMIT)).toBe(LIMIT)
    await stopInstance('one')
    await remove(buckets)
    for (let starts = 1; starts <= 2; starts++) {
      await startInstance('one')
      expect(await granted('one', 'c', LIMIT)).toBe(0)
      await stopInstance('one')
    }
  }, 60_000)
}

for (const { what, buckets } of [...lost, { what: 'heartbeats', buckets: [capacityMembers] }]) {
  it(`makes the bucket of ${what} again while it runs, and gives no permit twice`, async () => {
    await startInstance('one')
    expect(await granted('one', 'c', LIMIT)).toBe(LIMIT)
    await remove(buckets)
    expect(await grantedAgain('one', 'c', LIMIT)).toBe(0)
    await eventually(
      async () => {
        expect(await request(bus, capacityHealth, [], {})).toMatchObject({ ready: true })
        for (const { name } of buckets) await bus.jetstreamManager.streams.info(`KV_${name}`)
      },
      { timeoutMs: 20_000 },
    )
    const members = await openBucket(bus, capacityMembers)
    await eventually(async () => expect((await members.get('one')).value).toBeDefined(), { timeoutMs: 20_000 })
  }, 60_000)
}

it('grants no permit twice when another instance has made the bucket of records again', async () => {
  await Promise.all([startInstance('one'), startInstance('two')])
  expect(await granted('one', 'c', LIMIT)).toBe(LIMIT)
  expect(await granted('two', 'd', LIMIT)).toBe(LIMIT)
  await remove([capacityRecords])
  await startInstance('three')
  // First those that have never read the record.
  for (const [instance, id] of [
    ['two', 'c'],
    ['one', 'd'],
    ['three', 'c'],
    ['three', 'd'],
    ['one', 'c'],
    ['two', 'd'],
  ] as const) {
    expect(await grantedAgain(instance, id, LIMIT)).toBe(0)
  }
}, 60_000)
