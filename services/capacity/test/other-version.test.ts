import {
  type BucketDefinition,
  CONNECTION_DEFAULTS,
  capacityMembers,
  capacityRecords,
  clockMarks,
  connectionProjection,
  instancePermitBatch,
} from '@sluice/contracts'
import { type Bus, connectBus, openBucket, request } from '@sluice/messaging'
import { createLogger, readConfig, type Service } from '@sluice/service-kit'
import { type TestNats, testNats } from '@sluice/testkit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { CapacityConfig, start } from '../src/index.ts'
import { encodeRecord } from '../src/record/codec.ts'
import { emptyRecord } from '../src/record/record.ts'

let nats: TestNats
let bus: Bus
let instance: Service | undefined

beforeEach(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'test' })
  const connections = await openBucket(bus, connectionProjection)
  const settings = { ...CONNECTION_DEFAULTS, capacity: [{ period: 'hour' as const, requests: 10 }], version: 1 }
  await connections.put('c', { id: 'c', name: 'c', provider: 'openai', config: {}, ...settings })
})

afterEach(async () => {
  await instance?.stop()
  instance = undefined
  await bus.close()
  await nats.stop()
})

async function startInstance(): Promise<void> {
  const settings = readConfig(CapacityConfig, { NATS_URL: nats.url, CAPACITY_INSTANCE: 'one' })
  instance = await start(settings, createLogger('capacity', 'silent'))
}

async function acquire(gateway: string) {
  const acquires = [{ model: 'm', requests: 1, tokens: 1 }]
  const permitBatch = { gateway, seq: 1, asOfMs: Date.now(), acquires, settlements: [] }
  return (await request(bus, instancePermitBatch, ['one', 'c'], permitBatch)).results
}

/** As versions before the keys were hidden made it. */
async function makeWithoutToken({ name }: BucketDefinition): Promise<void> {
  await bus.jetstreamManager.streams.add({ name: `KV_${name}`, subjects: [`$KV.${name}.>`], max_msgs_per_subject: 1 })
}

const ADVICE = /remove the streams (\S+) and (\S+) \(and no other\)/

it.each([
  { what: 'the records', made: [capacityRecords] },
  { what: 'the marks', made: [clockMarks] },
  { what: 'both', made: [capacityRecords, clockMarks] },
])(
  'says what to do with buckets of an earlier version, and counts them as used afterwards: $what',
  async ({ made }) => {
    for (const bucket of made) await makeWithoutToken(bucket)
    const members = await openBucket(bus, capacityMembers)
    await members.put('before', { instance: 'before', startedAtMs: 1, clockMs: 1 })
    const refusal = await startInstance().catch((error: unknown) => error)
    if (!(refusal instanceof Error)) return expect.fail('it started')
    const [, ...streams] = ADVICE.exec(refusal.message) ?? []
    expect(streams).toHaveLength(2)

    for (const stream of streams) await bus.jetstreamManager.streams.delete(stream).catch(() => undefined)
    await startInstance()
    expect(await acquire('g1')).toMatchObject([{ status: 'denied' }])
  },
)

it('grants no permits from a record of an earlier version, and counts it as used once it is removed', async () => {
  await startInstance()
  const records = await openBucket(bus, capacityRecords)
  await records.put('c', { ...encodeRecord(emptyRecord()), v: 1 })
  await expect(acquire('g1')).rejects.toMatchObject({ code: 'unavailable' })
  expect((await records.get('c')).value).toMatchObject({ v: 1 })

  await instance?.stop()
  for (const { name } of [capacityRecords, clockMarks]) await bus.jetstreamManager.streams.delete(`KV_${name}`)
  await startInstance()
  expect(await acquire('g2')).toMatchObject([{ status: 'denied' }])
})
