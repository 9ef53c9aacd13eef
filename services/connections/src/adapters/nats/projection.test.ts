import { connectionProjection, type ProjectedConnection } from '@sluice/contracts'
import { type Bus, connectBus, openBucket } from '@sluice/messaging'
import { type TestNats, testNats } from '@sluice/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openProjection } from './projection.ts'

let nats: TestNats
let bus: Bus
beforeAll(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'test' })
})
afterAll(async () => {
  await bus.close()
  await nats.stop()
})

it('never puts an older state in a newer one’s place, however long a writer was held up', async () => {
  let committed = projected(1)
  const heldUp = Promise.withResolvers<void>()
  const hasRead = Promise.withResolvers<void>()
  const table = {
    one: async () => committed,
    all: async () => new Map([['c', committed]]),
  }
  let reads = 0
  const slow = await openProjection(bus, connectionProjection, {
    ...table,
    one: async () => {
      const value = committed
      if (++reads === 1) {
        hasRead.resolve()
        await heldUp.promise
      }
      return value
    },
  })
  const fast = await openProjection(bus, connectionProjection, table)
  const syncing = slow.sync('c')
  await hasRead.promise
  committed = projected(2)
  await fast.sync('c')
  heldUp.resolve()
  await syncing
  const bucket = await openBucket(bus, connectionProjection)
  expect((await bucket.get('c')).value).toEqual(projected(2))
})

it('writes nothing where nothing changed', async () => {
  const committed = projected(1)
  const bucket = await openBucket(bus, connectionProjection)
  const projection = await openProjection(bus, connectionProjection, {
    one: async () => committed,
    all: async () => new Map([['d', committed]]),
  })
  await projection.sync('d')
  const { revision } = await bucket.get('d')
  await projection.sync('d')
  await projection.reconcile()
  expect((await bucket.get('d')).revision).toBe(revision)
})

function projected(version: number): ProjectedConnection {
  return {
    id: 'c',
    name: 'c',
    provider: 'openai',
    config: {},
    capacity: [],
    defaultMaxOutputTokens: 1,
    tokenReservation: 'maximum',
    onCapacityUnavailable: 'reject',
    maxWaitMs: 0,
    enabled: true,
    version,
  }
}
