import { randomUUID } from 'node:crypto'
import { backgroundResponses } from '@sluice/contracts'
import { type Bus, connectBus, openBucket } from '@sluice/messaging'
import { type TestNats, testNats } from '@sluice/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type BackgroundResponseStore, backgroundResponseStore } from '../src/accounting/background-response-store.ts'

const CHARGE = { model: 'm', charged: { tokens: 110, inputTokens: 10, outputTokens: 100 } }
const USAGE = { inputTokens: 10, outputTokens: 400, cachedInputTokens: 0, reasoningTokens: 0 }
let nats: TestNats
let bus: Bus
beforeAll(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'test' })
})
afterAll(async () => {
  await bus?.close()
  await nats?.stop()
})

function openStore(over = bus): { readonly store: BackgroundResponseStore; readonly warnings: string[] } {
  const warnings: string[] = []
  return {
    store: backgroundResponseStore(over, { warn: (...args: unknown[]) => void warnings.push(String(args[1])) }),
    warnings,
  }
}

it('returns additional usage to one of many stores that report at once', async () => {
  const id = randomUUID()
  const stores = Array.from({ length: 8 }, () => openStore())
  stores[0]?.store.remember('c', id, CHARGE)
  await stores[0]?.store.stop(5_000)
  const found = await Promise.all(stores.map(({ store }) => store.report('c', id, USAGE)))
  expect(found.filter((additional) => additional !== undefined)).toMatchObject([{ charge: { tokens: 300 } }])
  expect(stores.flatMap(({ warnings }) => warnings)).toEqual([])
})

it('waits for its own pending write, and keeps ids and connections apart', async () => {
  const id = randomUUID()
  const { store } = openStore()
  store.remember('c', id, CHARGE)
  expect(await store.report('c', id, USAGE)).toMatchObject({ charge: { tokens: 300 } })
  expect(await store.report('d', id, USAGE)).toBeUndefined()
  expect(await store.report('c', `${id}x`, USAGE)).toBeUndefined()
})

it('keeps the charge if a response with the same id begins again', async () => {
  const id = randomUUID()
  const { store, warnings } = openStore()
  store.remember('c', id, CHARGE)
  expect(await store.report('c', id, USAGE)).toBeDefined()
  store.remember('c', id, CHARGE)
  expect(await store.report('c', id, USAGE)).toBeUndefined()
  expect(warnings).toEqual([])
})

it('returns the usage once if its write took effect but the reply was lost', async () => {
  const id = randomUUID()
  const { store } = openStore()
  store.remember('c', id, CHARGE)
  await store.stop(5_000)
  const { request } = bus.inbox
  let losesReply = true
  const lossy: Bus = {
    ...bus,
    isConnected: () => true,
    inbox: {
      ...bus.inbox,
      request: async (...args) => {
        const reply = await request.apply(bus.inbox, args)
        if (!losesReply) return reply
        losesReply = false
        throw new Error('the reply was lost')
      },
    },
  }
  const { store: cutOff } = openStore(lossy)
  expect(await cutOff.report('c', id, USAGE)).toMatchObject({ charge: { tokens: 300 } })
  expect(losesReply).toBe(false)
  expect(await store.report('c', id, USAGE)).toBeUndefined()
})

it('logs an entry of another shape, and charges nothing', async () => {
  const { store, warnings } = openStore()
  const id = randomUUID()
  store.remember('c', id, CHARGE)
  await store.stop(5_000)
  const bucket = await openBucket(bus, { ...backgroundResponses })
  for (const key of await bucket.keys()) {
    await bus.jetstream.publish(`$KV.${backgroundResponses.name}.${key}`, 'nonsense')
  }
  expect(await store.report('c', id, USAGE)).toBeUndefined()
  expect(warnings.join()).toContain('could not be looked up')
})

it('charges nothing while NATS is unavailable, and logs that within seconds', async () => {
  const own = await testNats()
  const away = await connectBus({ servers: own.url, name: 'test' })
  const { store, warnings } = openStore(away)
  store.remember('c', 'r', CHARGE)
  await store.stop(5_000)
  await own.stop()
  const beganAtMs = performance.now()
  expect(await store.report('c', 'r', USAGE)).toBeUndefined()
  store.remember('c', 's', CHARGE)
  await store.stop(20_000)
  expect(performance.now() - beganAtMs).toBeLessThan(25_000)
  expect(warnings).toHaveLength(2)
  await away.close()
})
