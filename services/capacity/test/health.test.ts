import { capacityHealth, capacityRecords } from '@sluice/contracts'
import { type Bucket, type Bus, connectBus, openBucket, request, type Served } from '@sluice/messaging'
import { eventually, type TestNats, testNats } from '@sluice/testkit'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { createPermitProbe } from '../src/commit/store-check.ts'
import { serveHealth } from '../src/endpoints.ts'

const STREAM = `KV_${capacityRecords.name}`
const NOW_MS = 1_000_000
const STORE = { checked: async () => undefined, doubt: () => undefined }

let nats: TestNats
let bus: Bus
let records: Bucket<unknown>
let served: Served | undefined
let writes: number

beforeAll(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'test' })
  records = await openBucket(bus, capacityRecords)
})

afterEach(() => served?.stop())

afterAll(async () => {
  await bus.close()
  await nats.stop()
})

async function serve(write: () => Promise<unknown> = createPermitProbe(records, STORE)): Promise<void> {
  writes = 0
  const counted = () => {
    writes++
    return write()
  }
  served = serveHealth(bus, counted, { nowMs: () => NOW_MS }, (error) => {
    throw error
  })
  await bus.connection.flush()
}

const requestHealth = () => request(bus, capacityHealth, [], {})

it('an instance is ready once NATS has stored what it wrote', async () => {
  await serve()
  expect(await requestHealth()).toEqual({ ready: true, clockMs: NOW_MS })
  expect(await records.keys()).toHaveLength(1)
})

it('an instance whose writes NATS refuses is not ready, says why, and becomes ready again by itself', async () => {
  await serve()
  const { streams } = bus.jetstreamManager
  await streams.update(STREAM, { max_msg_size: 1 })
  expect(await requestHealth()).toMatchObject({
    ready: false,
    reason: expect.stringContaining('message size exceeds maximum allowed'),
  })
  await streams.update(STREAM, { max_msg_size: -1 })
  await eventually(async () => expect(await requestHealth()).toEqual({ ready: true, clockMs: NOW_MS }))
})

it('an instance whose writes NATS does not confirm says so before its requester gives up', async () => {
  const release = Promise.withResolvers<void>()
  await serve(() => release.promise)
  expect(await requestHealth()).toMatchObject({
    ready: false,
    reason: 'NATS does not confirm that it stores counters. Check its log: its disk may be full',
  })
  release.resolve()
  await eventually(async () => expect(await requestHealth()).toEqual({ ready: true, clockMs: NOW_MS }))
})

it('requests at the same time and shortly after share one write', async () => {
  const release = Promise.withResolvers<void>()
  await serve(() => release.promise)
  const replies = Array.from({ length: 50 }, requestHealth)
  // Confirmed after everything before it was delivered.
  await bus.connection.flush()
  release.resolve()
  expect(await Promise.all(replies)).toEqual(replies.map(() => ({ ready: true, clockMs: NOW_MS })))
  expect(await requestHealth()).toEqual({ ready: true, clockMs: NOW_MS })
  expect(writes).toBe(1)
})
