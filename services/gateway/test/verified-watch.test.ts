import { defineBucket } from '@sluice/contracts'
import { type Bucket, type Bus, connectBus, openBucket } from '@sluice/messaging'
import { createLogger } from '@sluice/service-kit'
import { eventually, type TestNats, testNats } from '@sluice/testkit'
import { Type } from 'typebox'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type VerifiedWatch, verifiedWatch } from '../src/admission/verified-watch.ts'

const MAX_AGE_MS = 1_500
const keys = defineBucket({ name: 'keys', value: Type.Object({ n: Type.Integer() }) })
const soon = { timeoutMs: 20_000 }

let nats: TestNats
let bus: Bus
let writer: Bus
let bucket: Bucket<{ n: number }>
let received: Map<string, number | undefined>
let faults: unknown[]
let watch: VerifiedWatch

beforeEach(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'watches', jetstreamTimeoutMs: 1_000 })
  writer = await connectBus({ servers: nats.url, name: 'writes', jetstreamTimeoutMs: 1_000 })
  bucket = await openBucket(writer, keys)
  await bucket.put('a', { n: 1 })
  received = new Map()
  faults = []
  watch = await verifiedWatch(bus, await openBucket(bus, keys), {
    what: 'keys',
    maxAgeMs: MAX_AGE_MS,
    logger: createLogger('gateway', 'silent'),
    onEntry: ({ key, value }) => received.set(key, value?.n),
    onFault: (error) => faults.push(error),
  })
})

afterEach(async () => {
  watch.stop()
  await Promise.all([bus.close(), writer.close()])
  await nats.stop()
})

/** Resolves after the watch would have lost its validity, had it not been verified again. */
async function longer(): Promise<void> {
  const beganAtMs = performance.now()
  await eventually(() => expect(performance.now() - beganAtMs).toBeGreaterThan(MAX_AGE_MS * 1.5))
}

it('stays current while nothing is written, and while much is', async () => {
  await longer()
  expect(watch.isCurrent()).toBe(true)
  const beganAtMs = performance.now()
  for (let n = 0; performance.now() - beganAtMs < MAX_AGE_MS * 1.5; n++) {
    await bucket.put(`k${n % 50}`, { n })
    expect(watch.isCurrent()).toBe(true)
  }
})

it('is not current beyond its maximum age without NATS, and is current again once it has caught up', async () => {
  await nats.kill()
  expect(watch.isCurrent()).toBe(true)
  await eventually(() => expect(watch.isCurrent()).toBe(false), soon)
  await nats.restart()
  await eventually(() => expect(watch.isCurrent()).toBe(true), soon)
  await eventually(() => bucket.delete('a'), soon)
  await eventually(() => expect(received).toEqual(new Map([['a', undefined]])))
})

it('starts over if it receives nothing although the connection is alive', async () => {
  const { jetstreamManager } = writer
  for await (const { name } of jetstreamManager.consumers.list('KV_keys')) {
    await jetstreamManager.consumers.delete('KV_keys', name)
  }
  const writtenAtMs = performance.now()
  await bucket.put('a', { n: 2 })
  await eventually(() => expect(received.get('a')).toBe(2), soon)
  // Sooner than the client notices that the heartbeats are missing.
  expect(performance.now() - writtenAtMs).toBeLessThan(4_000)
  await longer()
  expect(watch.isCurrent()).toBe(true)
})

it('is not current while the bucket is missing, and is current again when it is back', async () => {
  await writer.jetstreamManager.streams.delete('KV_keys')
  await eventually(() => expect(watch.isCurrent()).toBe(false), soon)
  bucket = await openBucket(writer, keys)
  await bucket.put('b', { n: 3 })
  await eventually(() => expect(received.get('b')).toBe(3), soon)
  await eventually(() => expect(watch.isCurrent()).toBe(true), soon)
})

it('stays current if the last entry is unreadable or was removed', async () => {
  const untyped = await openBucket(writer, defineBucket({ name: keys.name, value: Type.Unknown() }))
  await untyped.put('broken', 'no object')
  await longer()
  expect(watch.isCurrent()).toBe(true)
  await bucket.put('c', { n: 1 })
  await bucket.erase('c')
  await longer()
  expect(watch.isCurrent()).toBe(true)
  await bucket.put('d', { n: 4 })
  await eventually(() => expect(received.get('d')).toBe(4))
})

it('notices a missed entry however far the server’s clock was set back', async () => {
  watch.stop()
  const seen = new Map<string, number | undefined>()
  const setBack: Bucket<{ n: number }> = {
    ...bucket,
    state: async () => ({ ...(await bucket.state()), lastStoredAtMs: 0 }),
  }
  watch = await verifiedWatch(bus, setBack, {
    what: 'keys',
    maxAgeMs: MAX_AGE_MS,
    logger: createLogger('gateway', 'silent'),
    onEntry: ({ key, value }) => seen.set(key, value?.n),
    onFault: (error) => faults.push(error),
  })
  const { consumers } = writer.jetstreamManager
  for await (const { name } of consumers.list('KV_keys')) await consumers.delete('KV_keys', name)
  await bucket.delete('a')
  await eventually(() => expect(seen).toEqual(new Map([['a', undefined]])), { timeoutMs: 4_000 })
})

it('forgets entries that a recreated bucket lacks, once that is complete', async () => {
  await bucket.put('lost', { n: 2 })
  await eventually(() => expect(received.get('lost')).toBe(2))
  await writer.jetstreamManager.streams.delete('KV_keys')
  bucket = await openBucket(writer, keys)
  // More than before, so that no sequence is lower than one that was seen.
  for (let n = 0; n < 5; n++) await bucket.put('a', { n })
  await eventually(() => expect(received.get('a')).toBe(4), { timeoutMs: 4_000 })
  await longer()
  expect(watch.isCurrent()).toBe(true)
  expect(received.get('lost')).toBe(2)
  await bucket.markComplete()
  await eventually(() => expect(received.get('lost')).toBeUndefined())
})
