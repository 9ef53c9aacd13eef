import { cp, rename, rm } from 'node:fs/promises'
import { defineBucket } from '@sluice/contracts'
import { eventually, itWhere, natsServerPath, oldNatsServer, type TestNats, testNats } from '@sluice/testkit'
import { AckPolicy, DeliverPolicy, nanos } from 'nats'
import { Type } from 'typebox'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Bucket, openBucket } from '../src/bucket.ts'
import { type Bus, connectBus } from '../src/bus.ts'
import { UnreadableEntryError } from '../src/errors.ts'
import type { Watch, WatchedEntry } from '../src/watch.ts'
import { uncaughtExceptions } from './uncaught-exceptions.ts'

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

it('reports every present entry before it resolves, then each change', async () => {
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
  expect(faults.map(String)).toEqual([
    "UnreadableEntryError: The entry counters/broken does not match the bucket's schema.",
  ])
})

it('goes on after an entry that could not be taken, and says so', async () => {
  const taken: string[] = []
  const faults: unknown[] = []
  watches.push(
    await bucket.watch({
      onEntry: ({ key }) => {
        if (key === 'a') throw new Error('no room for a')
        taken.push(key)
      },
      onFault: (error) => void faults.push(error),
    }),
  )
  for (const key of ['a', 'b', 'a', 'c']) await bucket.put(key, { n: 1 })
  await eventually(() => expect(taken).toEqual(['b', 'c']))
  expect(faults.map(String)).toEqual(['Error: no room for a', 'Error: no room for a'])
})

const oldServer = await oldNatsServer()
for (const { version, path } of [
  { version: 'the current nats-server', path: natsServerPath() },
  { version: 'nats-server 2.9', path: oldServer },
]) {
  itWhere(
    path !== undefined,
    'there is no nats-server before 2.10',
    `passes over what the server itself was made to write there, at the beginning and later: ${version}`,
    async () => {
      const server = await testNats({ serverPath: path ?? '' })
      const own = await connectBus({ servers: server.url, name: 'watch.test' })
      const { consumers } = own.jetstreamManager
      const there = await openBucket(own, counters)
      await openBucket(own, defineBucket({ name: 'others', value: Type.Unknown() }))
      await there.put('a', { n: 1 })
      const pull = { durable_name: 'pull', ack_policy: AckPolicy.Explicit, deliver_policy: DeliverPolicy.New }
      await consumers.add('KV_others', pull)
      const spoil = async (key: string) => {
        const before = await storedIn(own)
        // "No messages", "bad request" and settings, as the server's replies.
        const next = '$JS.API.CONSUMER.MSG.NEXT.KV_others.pull'
        own.connection.publish(next, '{"batch":1,"no_wait":true}', { reply: `$KV.counters.${key}-1` })
        own.connection.publish(next, '{', { reply: `$KV.counters.${key}-2` })
        own.connection.publish('$JS.API.STREAM.INFO.KV_others', '', { reply: `$KV.counters.${key}-3` })
        // A heartbeat of a consumer, to a subject with a subscriber.
        const listening = own.connection.subscribe(`$KV.counters.${key}-4`, { callback: () => undefined })
        await own.connection.flush()
        await consumers.add('KV_others', {
          deliver_subject: `$KV.counters.${key}-4`,
          ack_policy: AckPolicy.None,
          idle_heartbeat: nanos(100),
          flow_control: true,
        })
        await eventually(async () => expect((await storedIn(own)) - before).toBeGreaterThanOrEqual(4))
        listening.unsubscribe()
      }
      await spoil('first')
      const entries: Entry[] = []
      const faults: unknown[] = []
      const watch = await there.watch({
        onEntry: (entry) => entries.push(entry),
        onFault: (error) => faults.push(error),
      })
      expect(current(entries)).toEqual({ a: 1 })
      await spoil('later')
      await there.put('b', { n: 2 })
      await eventually(() => expect(current(entries)).toEqual({ a: 1, b: 2 }))
      expect(faults.length).toBeGreaterThanOrEqual(8)
      expect(faults.filter((fault) => !(fault instanceof UnreadableEntryError))).toEqual([])
      expect(entries).toHaveLength(2)
      watch.stop()
      await own.close()
      await server.stop()
    },
  )
}

async function storedIn(on: Bus): Promise<number> {
  return (await on.jetstreamManager.streams.info('KV_counters')).state.last_seq
}

it('still follows the bucket after its entry handler and its fault handler have thrown', async () => {
  const taken: string[] = []
  watches.push(
    await bucket.watch({
      onEntry: ({ key }) => {
        if (key === 'a') throw new Error('no room for a')
        taken.push(key)
      },
      onFault: (error) => {
        throw error
      },
    }),
  )
  const uncaught = uncaughtExceptions()
  for (const key of ['a', 'b', 'a', 'c']) await bucket.put(key, { n: 1 })
  await eventually(() => expect(taken).toEqual(['b', 'c']))
  expect(uncaught().map(String)).toEqual(['Error: no room for a', 'Error: no room for a'])
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

describe('after a store lost its newest entries', () => {
  /** The bucket is made again, and has what is put then. */
  async function loseStore(): Promise<void> {
    await bus.jetstreamManager.streams.delete('KV_counters')
    bucket = await openBucket(bus, counters)
  }

  it('reports missing keys as deleted once the bucket is complete, and not while it is being refilled', async () => {
    for (const key of ['kept', 'lost', 'deleted', 'spoiled']) await bucket.put(key, { n: 1 })
    await bucket.markComplete()
    const entries: Entry[] = []
    const faults: unknown[] = []
    const watch = await follow(entries, faults)
    await bucket.delete('deleted')
    await eventually(() => expect(current(entries)).toMatchObject({ deleted: undefined }))
    await loseStore()
    await bucket.markComplete() // Before the watch begins: it may be as old as what was lost.
    await watch.restart()
    const reported = entries.length
    await bus.jetstream.publish('$KV.counters.spoiled', 'no object')
    await bucket.put('other', { n: 2 })
    await eventually(() => expect(current(entries)).toMatchObject({ other: 2 }))
    await bucket.put('kept', { n: 3 })
    await eventually(() => expect(current(entries)).toMatchObject({ kept: 3 }))
    expect(entries.slice(reported).map(({ key }) => key)).toEqual(['other', 'kept'])
    await bucket.markComplete()
    await eventually(() => expect(current(entries)).toMatchObject({ lost: undefined }))
    expect(current(entries)).toEqual({ kept: 3, lost: undefined, deleted: undefined, spoiled: 1, other: 2 })
    expect(entries.slice(reported).map(({ key }) => key)).toEqual(['other', 'kept', 'lost'])
    expect(faults.map(String)).toEqual([
      "UnreadableEntryError: The entry counters/spoiled does not match the bucket's schema.",
    ])
  })

  it('remembers over several beginnings what it reported, and reports nothing as deleted twice', async () => {
    await bucket.put('lost', { n: 1 })
    const entries: Entry[] = []
    const watch = await follow(entries)
    await loseStore()
    await watch.restart()
    await watch.restart()
    expect(current(entries)).toEqual({ lost: 1 })
    for (let marks = 0; marks < 2; marks++) await bucket.markComplete()
    await bucket.put('later', { n: 1 })
    await eventually(() => expect(current(entries)).toEqual({ lost: undefined, later: 1 }))
    expect(entries.filter(({ key }) => key === 'lost')).toHaveLength(2)
  })

  it('is noticed over a restart of the server, too', async () => {
    await bucket.put('kept', { n: 1 })
    const copy = `${nats.dataDir}-copy`
    await nats.halt()
    await cp(nats.dataDir, copy, { recursive: true })
    await nats.restart()
    await eventually(() => bucket.put('lost', { n: 1 }), { timeoutMs: 10_000 })
    const entries: Entry[] = []
    await follow(entries)
    expect(current(entries)).toEqual({ kept: 1, lost: 1 })
    await nats.halt()
    await rm(nats.dataDir, { recursive: true })
    await rename(copy, nats.dataDir)
    await nats.restart()
    await eventually(() => expect(entries.filter(({ key }) => key === 'kept')).toHaveLength(2), { timeoutMs: 10_000 })
    await eventually(async () => {
      await bucket.markComplete()
      expect(current(entries)).toEqual({ kept: 1, lost: undefined })
    })
  })
})

it('reports marks to no watcher', async () => {
  const entries: Entry[] = []
  const heard: string[] = []
  const faults: unknown[] = []
  await follow(entries, faults)
  const listening = await bucket.listen({
    onEntry: ({ key }) => heard.push(key),
    onFault: (error) => faults.push(error),
  })
  await bucket.markComplete()
  await bucket.put('a', { n: 1 })
  await eventually(() => expect(current(entries)).toEqual({ a: 1 }))
  listening.stop()
  expect(entries.map(({ key }) => key)).toEqual(['a'])
  expect(heard).toEqual(['a'])
  expect(await bucket.keys()).toEqual(['a'])
  expect(faults).toEqual([])
})

it('leaves nothing behind when it cannot begin, and so begins nothing after a reconnection', async () => {
  const { consumers, streams } = bus.jetstreamManager
  const { config } = await streams.info('KV_counters')
  await streams.delete('KV_counters')
  await streams.add({ ...config, max_consumers: 1 })
  await consumers.add('KV_counters', { durable_name: 'other', ack_policy: AckPolicy.None })
  const entries: Entry[] = []
  for (let n = 0; n < 5; n++) await expect(follow(entries)).rejects.toThrow('maximum consumers')
  await streams.delete('KV_counters')
  await streams.add(config)
  await bucket.put('a', { n: 1 })
  const isBack = new Promise<void>((resolve) => bus.onReconnect(resolve))
  await nats.restart()
  await isBack
  // What a reconnection begins is asked for before this.
  await bucket.put('b', { n: 1 })
  await follow([])
  expect((await streams.info('KV_counters')).state.consumer_count).toBe(1)
  expect(entries).toEqual([])
})

it('reports nothing once stopped', async () => {
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

/** The last value reported of each key. */
function current(entries: readonly Entry[]): Record<string, number | undefined> {
  return Object.fromEntries(entries.map(({ key, value }) => [key, value?.n]))
}
