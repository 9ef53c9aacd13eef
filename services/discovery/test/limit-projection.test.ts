import { type DiscoveredLimit, defineBucket, discovered } from '@sluice/contracts'
import { type Bucket, type Bus, connectBus, openBucket } from '@sluice/messaging'
import { type TestNats, testNats } from '@sluice/testkit'
import { Type } from 'typebox'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { kvLimitProjection } from '../src/store/limit-projection.ts'

let nats: TestNats
let bus: Bus
let bucket: Bucket<{ connectionId: string; limits: DiscoveredLimit[] }>
/** What the store knows. */
let known: Map<string, DiscoveredLimit[]>

beforeEach(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'projection.test' })
  bucket = await openBucket(bus, discovered)
  known = new Map()
})
afterEach(async () => {
  await bus.close()
  await nats.stop()
})

const limitsOf = async () => new Map(known)

it('shows what the store knows, and writes nothing when that stands there', async () => {
  known.set('c', [limit(1)])
  const projection = kvLimitProjection(bucket, { limitsOf })
  await projection.refresh(['c', 'c', 'unknown'])
  const entry = await bucket.get('c')
  expect(entry.value).toEqual({ connectionId: 'c', limits: [limit(1)] })
  expect(await bucket.get('unknown')).toMatchObject({ value: undefined, revision: 0 })
  await projection.refresh(['c'])
  expect((await bucket.get('c')).revision).toBe(entry.revision)
})

it('erases the entry of a connection that the store has forgotten, and lists those that stand', async () => {
  known.set('c', [limit(1)]).set('d', [limit(2)])
  const projection = kvLimitProjection(bucket, { limitsOf })
  await projection.refresh(['c', 'd'])
  expect((await projection.connectionIds()).toSorted()).toEqual(['c', 'd'])
  known.delete('c')
  await projection.refresh(['c'])
  await projection.refresh(['c'])
  expect(await bucket.get('c')).toMatchObject({ value: undefined, revision: 0 })
  expect(await projection.connectionIds()).toEqual(['d'])
})

it('never shows what was read before another wrote', async () => {
  known.set('c', [limit(1)])
  const read = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const slow = kvLimitProjection(bucket, {
    limitsOf: async () => {
      const old = new Map(known)
      read.resolve()
      await release.promise
      return old
    },
  }).refresh(['c'])
  await read.promise
  known.set('c', [limit(2)])
  await kvLimitProjection(bucket, { limitsOf }).refresh(['c'])
  release.resolve()
  await slow
  expect((await bucket.get('c')).value?.limits).toEqual([limit(2)])
})

it('creates an unreadable entry again', async () => {
  const untyped = await openBucket(bus, defineBucket({ name: discovered.name, value: Type.Unknown() }))
  await untyped.put('c', 'of no use')
  known.set('c', [limit(1)])
  await kvLimitProjection(bucket, { limitsOf }).refresh(['c'])
  expect((await bucket.get('c')).value?.limits).toEqual([limit(1)])
})

function limit(value: number): DiscoveredLimit {
  return { model: 'm', dimension: 'requests', limit: value, firstSeenAtMs: 1, lastSeenAtMs: value, changes: 0 }
}
