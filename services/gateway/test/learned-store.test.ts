import { randomUUID } from 'node:crypto'
import { learnedModels } from '@sluice/contracts'
import { type Bucket, type Bus, connectBus, openBucket } from '@sluice/messaging'
import { eventually, type TestNats, testNats } from '@sluice/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { LearnedModels, MAX_MODELS } from '../src/estimate/learned-models.ts'
import { type LearnedStore, learnedStore } from '../src/estimate/learned-store.ts'

const REQUEST = { streamed: false, promptBytes: 9_000, mediaParts: 0, outputs: 1, addsUsage: false }
const USAGE = { inputTokens: 3_000, outputTokens: 64, cachedInputTokens: 0, reasoningTokens: 0 }
let nats: TestNats
let bus: Bus
let bucket: Bucket<{ models: { model: string }[] }>
const warnings: string[] = []

beforeAll(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'test' })
  bucket = await openBucket(bus, learnedModels)
})

afterAll(async () => {
  await bus?.close()
  await nats?.stop()
})

const openStore = (intervalMs = 3_600_000): LearnedStore =>
  learnedStore(bus, { intervalMs, logger: { warn: (...args: unknown[]) => void warnings.push(args.join(' ')) } })

function learn(models: LearnedModels, ...names: readonly string[]): void {
  for (const model of names) models.learn({ ...REQUEST, model }, USAGE, true)
}

/** A store that follows one connection, of which it has read all. */
async function following(id: string, intervalMs?: number) {
  const store = openStore(intervalMs)
  const models = new LearnedModels()
  store.follow(id, models)
  await store.isRead(10_000)
  return { store, models }
}

const storedOf = async (id: string) => (await bucket.get(id)).value?.models.map(({ model }) => model)

it('stores at the stop what was learned, for the next process to restore', async () => {
  const id = randomUUID()
  const first = await following(id)
  learn(first.models, 'm')
  await first.store.stop(10_000)
  const { store, models } = await following(id)
  expect(models.of('m')?.ratio.state).toEqual(first.models.of('m')?.ratio.state)
  await store.stop(10_000)
})

it('stores periodically, and only changes', async () => {
  const id = randomUUID()
  const { store, models } = await following(id, 20)
  learn(models, 'm')
  await eventually(async () => expect(await storedOf(id)).toEqual(['m']))
  const { revision } = await bucket.get(id)
  const later = await following(randomUUID(), 20)
  learn(later.models, 'x')
  await eventually(async () => expect((await bucket.state()).lastRevision).toBeGreaterThan(revision))
  expect((await bucket.get(id)).revision).toBe(revision)
  await Promise.all([store.stop(10_000), later.store.stop(10_000)])
})

it('merges what several gateways learned, by model, up to the maximum', async () => {
  const id = randomUUID()
  const one = await following(id)
  const other = await following(id)
  learn(one.models, 'a', 'b')
  learn(other.models, 'c')
  await one.store.stop(10_000)
  await other.store.stop(10_000)
  expect(await storedOf(id)).toEqual(['a', 'b', 'c'])
  const many = await following(id)
  learn(many.models, ...Array.from({ length: MAX_MODELS - 1 }, (_, i) => `m-${i}`))
  await many.store.stop(10_000)
  expect(await storedOf(id)).toHaveLength(MAX_MODELS)
  expect(await storedOf(id)).toContain('c')
  expect(await storedOf(id)).not.toContain('a')
})

it('deletes a connection’s records, including changes not stored yet', async () => {
  const id = randomUUID()
  const first = await following(id)
  learn(first.models, 'm')
  await first.store.stop(10_000)
  const { store, models } = await following(id)
  learn(models, 'n')
  store.forget(id)
  await eventually(async () => expect(await storedOf(id)).toBeUndefined())
  await store.stop(10_000)
  expect(await storedOf(id)).toBeUndefined()
})

it.each([
  ['no JSON', 'nonsense'],
  ['another shape', '{"models":[{"model":"m","ratio":7}]}'],
  ['impossible figures', '{"models":[{"model":"m","ratio":{"start":4,"bytes":-1,"tokens":0}}]}'],
])('logs an unreadable record and replaces it: %s', async (_, text) => {
  const id = randomUUID()
  bus.connection.publish(`$KV.${learnedModels.name}.${id}`, text)
  await bus.connection.flush()
  warnings.length = 0
  const { store, models } = await following(id)
  expect(models.records).toEqual([])
  expect(warnings.join()).toContain('could not be read')
  learn(models, 'm')
  await store.stop(10_000)
  expect(await storedOf(id)).toEqual(['m'])
})

it('blocks nothing and keeps learning while NATS is unavailable', async () => {
  const own = await testNats()
  const away = await connectBus({ servers: own.url, name: 'test' })
  const store = learnedStore(away, { intervalMs: 20, logger: { warn: () => undefined } })
  const models = new LearnedModels()
  store.follow('c', models)
  await store.isRead(10_000)
  await own.stop()
  learn(models, 'm')
  const beganAtMs = performance.now()
  await store.stop(200)
  expect(performance.now() - beganAtMs).toBeLessThan(5_000)
  expect(models.takeChanged().map(({ model }) => model)).toEqual(['m'])
  await away.close()
})
