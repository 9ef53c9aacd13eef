import { CapacityConfig, start as startCapacity } from '@sluice/capacity'
import { CONNECTION_DEFAULTS, connectionProjection } from '@sluice/contracts'
import { connectBus, openBucket } from '@sluice/messaging'
import { createLogger, readConfig } from '@sluice/service-kit'
import { testNats } from '@sluice/testkit'
import { expect, it, onTestFinished } from 'vitest'
import { permitBatchSender } from '../src/permits/permit-batch-sender.ts'

it('requests capacity’s clock if no heartbeat has it, so that batches are not stale forever', async () => {
  const nats = await testNats()
  const bus = await connectBus({ servers: nats.url, name: 'test' })
  const instance = await startCapacity(
    readConfig(CapacityConfig, { NATS_URL: nats.url }),
    createLogger('capacity', 'silent'),
  )
  onTestFinished(async () => {
    await instance.stop()
    await bus.close()
    await nats.stop()
  })
  const connections = await openBucket(bus, connectionProjection)
  const settings = { ...CONNECTION_DEFAULTS, capacity: [], version: 1 }
  await connections.put('c', { id: 'c', name: 'c', provider: 'openai', config: {}, ...settings })
  let clockMs = 0
  const members = {
    orderFor: () => [],
    capacityClockMs: () => clockMs,
    observeClock: (heardMs: number) => {
      clockMs = heardMs
    },
    stop: () => undefined,
  }
  const onFault = (error: unknown) => {
    throw error
  }
  const send = permitBatchSender(bus, members, () => performance.now(), onFault)
  const acquires = [{ model: 'm', requests: 1, tokens: 1 }]
  const attempt = () => send('c', { gateway: 'g', seq: 1, asOfMs: clockMs, acquires, settlements: [] }, 1_000)
  expect(await attempt()).toEqual({ status: 'stale' })
  expect(await attempt()).toMatchObject({ status: 'replied', reply: { results: [{ status: 'granted' }] } })
})
