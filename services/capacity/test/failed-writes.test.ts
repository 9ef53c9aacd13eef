import {
  CONNECTION_DEFAULTS,
  capacityRecords,
  connectionProjection,
  instancePermitBatch,
  type PermitBatchRequest,
  permitBatch,
} from '@sluice/contracts'
import { type Bus, connectBus, openBucket, request } from '@sluice/messaging'
import { createLogger, readConfig, type Service } from '@sluice/service-kit'
import { eventually, type TestNats, testNats } from '@sluice/testkit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { CapacityConfig, start } from '../src/index.ts'

const STREAM = `KV_${capacityRecords.name}`
let nats: TestNats
let bus: Bus
let instance: Service
/** How many writes of the connection's record have reached NATS. */
let writes = 0

beforeEach(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'test' })
  const connections = await openBucket(bus, connectionProjection)
  await connections.put('c', { id: 'c', name: 'c', provider: 'openai', config: {}, ...CONNECTION_DEFAULTS, version: 1 })
  instance = await start(
    readConfig(CapacityConfig, { NATS_URL: nats.url, CAPACITY_INSTANCE: 'one' }),
    createLogger('capacity', 'silent'),
  )
  writes = 0
  bus.connection.subscribe(`$KV.${capacityRecords.name}.>`, {
    callback: (_error, { subject }) => {
      if (subject.endsWith('.c')) writes++
    },
  })
  await bus.connection.flush()
})

afterEach(async () => {
  await instance.stop()
  await bus.close()
  await nats.stop()
})

function batch(seq: number, more: Partial<PermitBatchRequest> = {}): PermitBatchRequest {
  const acquires = [{ model: 'm', requests: 1, tokens: 1 }]
  return { gateway: 'g', seq, asOfMs: Date.now(), acquires, settlements: [], ...more }
}
/** Waits longer than a gateway does, to see how the instance replies in the end. */
const acquire = (body: PermitBatchRequest) =>
  request(bus, instancePermitBatch, ['one', 'c'], body, { timeoutMs: 5_000 })

it('a store that refuses writes is tried a few times at growing intervals, and works again by itself', async () => {
  expect((await acquire(batch(1))).results).toMatchObject([{ status: 'granted' }])
  await eventually(() => expect(writes).toBe(1))

  await bus.jetstreamManager.streams.update(STREAM, { max_msg_size: 1 })
  const askedAtMs = performance.now()
  await expect(acquire(batch(2))).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('message size exceeds maximum allowed'),
  })
  const tookMs = performance.now() - askedAtMs
  await bus.connection.flush()
  const refused = writes - 1
  expect(refused).toBeGreaterThanOrEqual(2)
  expect(refused).toBeLessThanOrEqual(6)
  // It gives up when a gateway does, not before it had the chance to see the store again.
  expect(tookMs).toBeGreaterThan(permitBatch.timeoutMs / 4)

  await bus.jetstreamManager.streams.update(STREAM, { max_msg_size: -1 })
  expect((await acquire(batch(2, { repeat: true }))).results).toMatchObject([{ status: 'granted' }])
})
