import { defineBucket } from '@sluice/contracts'
import { eventually, type TestNats, testNats } from '@sluice/testkit'
import { Type } from 'typebox'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Bucket, openBucket } from './bucket.ts'
import { type Bus, connectBus } from './bus.ts'
import type { Watch, WatchedEntry } from './watch.ts'

type Entry = WatchedEntry<{ n: number }>

let nats: TestNats
let bus: Bus
let bucket: Bucket<{ n: number }>
const watches: Watch[] = []

beforeEach(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'watch.test' })
  bucket = await openBucket(bus, counters)
})
afterEach(async () => {
  for (const watch of watches.splice(0)) watch.stop()
  await bus.close()
  await nats.stop()
})

const counters = defineBucket({ name: 'counters', value: Type.Object({ n: Type.Integer() }) })

it('tells every present entry before it resolves, then each change', async () => {
  await bucket.put('a', { n: 1 })
  const revision = await bucket.put('b.2', { n: 2 })
  const entries: Entry[] = []
  await follow(entries)
  expect(current(entries)).toEqual({ a: 1, 'b.2': 2 })
  expect(entries.at(-1)).toMatchObject({ key: 'b.2', revision, storedAtMs: expect.any(Number) })
  await bucket.put('a', { n: 3 })
  await bucket.delete('b.2')
  await eventually(() => expect(current(entries)).toEqual({ a: 3, 'b.2': undefined }))
})

it('resolves on an empty bucket', async () => {
  const entries: Entry[] = []
  await follow(entries)
  expect(entries).toEqual([])
})

it('passes over an entry that cannot be read, and says so', async () => {
  const untyped = await openBucket(bus, defineBucket({ name: counters.name, value: Type.Unknown() }))
  await untyped.put('broken', 'no object')
  await bucket.put('a', { n: 1 })
  const entries: Entry[] = []
  const faults: unknown[] = []
  await follow(entries, faults)
  expect(current(entries)).toEqual({ a: 1 })
  expect(faults.map(String)).toEqual(["UnreadableEntryError: counters/broken is not of the bucket's shape"])
})

it('misses nothing over restarts of the server', async () => {
  await bucket.put('kept', { n: 1 })
  await bucket.put('deleted', { n: 1 })
  const entries: Entry[] = []
  await follow(entries)
  for (const n of [2, 3]) {
    await nats.restart()
    const other = await connectBus({ servers: nats.url, name: 'writer' })
    const writer = await openBucket(other, counters)
    await writer.put('kept', { n })
    if (n === 3) await writer.delete('deleted')
    await other.close()
    await eventually(() => expect(current(entries)).toMatchObject({ kept: n }), { timeoutMs: 10_000 })
  }
  await eventually(() => expect(current(entries)).toEqual({ kept: 3, deleted: undefined }))
  await bucket.put('kept', { n: 4 })
  await eventually(() => expect(current(entries)).toMatchObject({ kept: 4 }))
})

it('tells nothing once stopped', async () => {
  const entries: Entry[] = []
  const stopped = await follow(entries)
  const others: Entry[] = []
  await follow(others)
  stopped.stop()
  await bucket.put('a', { n: 1 })
  await eventually(() => expect(current(others)).toEqual({ a: 1 }))
  expect(entries).toEqual([])
})

async function follow(entries: Entry[], faults: unknown[] = []): Promise<Watch> {
  const watch = await bucket.watch({
    onEntry: (entry) => entries.push(entry),
    onFault: (error) => faults.push(error),
  })
  watches.push(watch)
  return watch
}

/** The last value told of each key. */
function current(entries: readonly Entry[]): Record<string, number | undefined> {
  return Object.fromEntries(entries.map(({ key, value }) => [key, value?.n]))
}
