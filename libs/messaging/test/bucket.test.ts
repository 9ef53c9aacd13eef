import { defineBucket } from '@sluice/contracts'
import { eventually, type TestNats, testNats } from '@sluice/testkit'
import { Type } from 'typebox'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Bucket, openBucket } from '../src/bucket.ts'
import { type Bus, connectBus } from '../src/bus.ts'
import { NoRespondersError } from '../src/errors.ts'

let nats: TestNats
let bus: Bus
let bucket: Bucket<{ n: number }>
let definition: ReturnType<typeof counters>
let buckets = 0

beforeAll(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'bucket.test' })
})
afterAll(async () => {
  await bus.close()
  await nats.stop()
})
beforeEach(async () => {
  definition = counters(++buckets)
  bucket = await openBucket(bus, definition)
})

it('gives what was put, with its revision and the server’s time', async () => {
  const revision = await bucket.put('a', { n: 1 })
  const entry = await bucket.get('a')
  expect(entry).toMatchObject({ value: { n: 1 }, revision })
  expect(entry.storedAtMs).toBeGreaterThan(1_700_000_000_000)
})

it('says of a key that never was: nothing, at revision 0', async () => {
  expect(await bucket.get('nothing')).toEqual({ value: undefined, revision: 0, storedAtMs: 0 })
})

it('takes any identifier for a key', async () => {
  await bucket.put('gpt-4.1 *>=é', { n: 4 })
  expect((await bucket.get('gpt-4.1 *>=é')).value).toEqual({ n: 4 })
})

it('lists every key that is there, ten thousand of them', async () => {
  expect(await bucket.keys()).toEqual([])
  const keys = Array.from({ length: 10_000 }, (_, n) => `0199a7c2-4d0e-7c3e-9d5f-${String(n).padStart(12, '0')}`)
  for (let from = 0; from < keys.length; from += 1_000) {
    await Promise.all(keys.slice(from, from + 1_000).map((key, n) => bucket.put(key, { n })))
  }
  await bucket.put('gpt-4.1 *>=é', { n: 4 })
  await bucket.delete(keys[0] ?? '')
  await bucket.erase(keys[1] ?? '')
  expect((await bucket.keys()).toSorted()).toEqual([keys[0], ...keys.slice(2), 'gpt-4.1 *>=é'])
})

it('updates only at the expected revision', async () => {
  const first = await bucket.update('a', { n: 1 }, 0)
  if (first.status !== 'stored') throw new Error('a new key is stored at revision 0')
  expect(await bucket.update('a', { n: 2 }, 0)).toEqual({ status: 'conflict' })
  const second = await bucket.update('a', { n: 2 }, first.revision)
  expect(second.status).toBe('stored')
  expect(await bucket.update('a', { n: 3 }, first.revision)).toEqual({ status: 'conflict' })
  expect((await bucket.get('a')).value).toEqual({ n: 2 })
})

it('lets one of many updates at one revision through', async () => {
  const results = await Promise.all(Array.from({ length: 50 }, (_, n) => bucket.update('a', { n }, 0)))
  expect(results.filter((result) => result.status === 'stored')).toHaveLength(1)
  expect(results.filter((result) => result.status === 'conflict')).toHaveLength(49)
})

it('keeps the revision of a deleted key, and forgets that of an erased one', async () => {
  const put = await bucket.put('a', { n: 1 })
  await bucket.delete('a')
  const deleted = await bucket.get('a')
  expect(deleted.value).toBeUndefined()
  expect(deleted.revision).toBeGreaterThan(put)
  expect(await bucket.update('a', { n: 2 }, 0)).toEqual({ status: 'conflict' })
  expect((await bucket.update('a', { n: 2 }, deleted.revision)).status).toBe('stored')
  await bucket.put('other', { n: 9 })
  await bucket.erase('a')
  expect(await bucket.get('a')).toEqual({ value: undefined, revision: 0, storedAtMs: 0 })
  expect((await bucket.update('a', { n: 3 }, 0)).status).toBe('stored')
  expect((await bucket.get('other')).value).toEqual({ n: 9 })
})

it('refuses to read what is not of the bucket’s shape', async () => {
  const untyped = await openBucket(bus, defineBucket({ name: definition.name, value: Type.Unknown() }))
  await untyped.put('a', { n: 'one' })
  await expect(bucket.get('a')).rejects.toMatchObject({ code: 'internal', fields: [{ field: 'n' }] })
})

it('opens the bucket that is there, with what it holds', async () => {
  await bucket.put('a', { n: 1 })
  expect((await (await openBucket(bus, definition)).get('a')).value).toEqual({ n: 1 })
})

function counters(index: number) {
  return defineBucket({ name: `counters-${index}`, value: Type.Object({ n: Type.Integer() }) })
}

it('clears what was written up to a revision, of every key', async () => {
  await bucket.put('a', { n: 1 })
  const revision = await bucket.put('b', { n: 2 })
  const later = await bucket.put('c', { n: 3 })
  await bucket.clear(revision)
  expect(await bucket.keys()).toEqual(['c'])
  await bucket.clear(later)
  expect(await bucket.keys()).toEqual([])
  expect(await bucket.put('a', { n: 4 })).toBe(later + 1)
})

it('says when it was created, and when and what was stored last, even if that is gone', async () => {
  const { createdAtMs, ...never } = await bucket.state()
  expect(never).toEqual({ lastRevision: 0 })
  await bucket.put('a', { n: 1 })
  const { storedAtMs } = await bucket.get('a')
  expect(storedAtMs).toBeGreaterThanOrEqual(createdAtMs)
  await bucket.erase('a')
  expect(await bucket.state()).toEqual({ createdAtMs, lastStoredAtMs: storedAtMs, lastRevision: 1 })
})

describe('a private bucket', () => {
  const opened = async () => {
    const secret = { ...definition, name: `${definition.name}-private`, isPrivate: true as const }
    const both = await Promise.all([openBucket(bus, secret), openBucket(bus, secret)])
    return { name: secret.name, both }
  }

  it('is one for all who open it, and has what any bucket has', async () => {
    const { both } = await opened()
    const [one, other] = both
    await one.put('gpt-4.1 *>=é', { n: 1 })
    expect(await other.get('gpt-4.1 *>=é')).toMatchObject({ value: { n: 1 } })
    const seen: unknown[] = []
    const onEntry = ({ key, value }: { key: string; value: unknown }) => seen.push([key, value])
    const onFault = (error: unknown) => seen.push(error)
    const watch = await other.watch({ onEntry, onFault })
    watch.stop()
    const listening = await other.listen({ onEntry, onFault })
    await one.put('b', { n: 2 })
    await one.delete('b')
    await eventually(() =>
      expect(seen).toEqual([
        ['gpt-4.1 *>=é', { n: 1 }],
        ['b', { n: 2 }],
        ['b', undefined],
      ]),
    )
    listening.stop()
    expect((await one.keys()).toSorted()).toEqual(['b', 'gpt-4.1 *>=é'])
    await one.erase('b')
    expect(await other.keys()).toEqual(['gpt-4.1 *>=é'])
  })

  it('sees nothing of what stands on the subjects that others know', async () => {
    const { name, both } = await opened()
    const [one] = both
    await one.put('a', { n: 1 })
    for (const subject of [`$KV.${name}.a`, `$KV.${name}.b`, `$KV.${name}.${'0'.repeat(32)}.a`]) {
      await expect(bus.jetstream.publish(subject, 'nothing of ours')).rejects.toMatchObject({ code: '503' })
    }
    expect(await one.get('a')).toMatchObject({ value: { n: 1 } })
    expect(await one.get('b')).toMatchObject({ revision: 0 })
    const { state } = await bus.jetstreamManager.streams.info(`KV_${name}`)
    expect(state.messages).toBe(1)
  })

  it('that is made again is never two: who knew the old one writes nothing until it knows the new one', async () => {
    const { name, both } = await opened()
    const [before] = both
    await before.put('a', { n: 1 })
    await bus.jetstreamManager.streams.delete(`KV_${name}`)
    const after = await openBucket(bus, { ...definition, name, isPrivate: true })
    await expect(before.put('a', { n: 2 })).rejects.toBeInstanceOf(NoRespondersError)
    await before.put('a', { n: 3 })
    expect(await after.get('a')).toMatchObject({ value: { n: 3 }, revision: 1 })
  })

  it('is not opened if the bucket was created without a token', async () => {
    const name = `${definition.name}-others`
    await openBucket(bus, { ...definition, name })
    await expect(openBucket(bus, { ...definition, name, isPrivate: true })).rejects.toThrow('Sluice did not create it')
  })
})
