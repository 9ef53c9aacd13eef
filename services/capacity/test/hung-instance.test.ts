import {
  CONNECTION_DEFAULTS,
  capacityHealth,
  capacityStatus,
  connectionProjection,
  subjectOfAll,
} from '@sluice/contracts'
import { type Bus, connectBus, openBucket, request } from '@sluice/messaging'
import { type TestNats, type TestServiceProcess, testNats, testServiceProcess } from '@sluice/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'

/** Two instances, each its own process, one of which is stopped: it stays in the queue group and does not reply. */
let nats: TestNats
let bus: Bus
let instances: TestServiceProcess[] = []

beforeAll(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'test' })
  const connections = await openBucket(bus, connectionProjection)
  await connections.put('c', { id: 'c', name: 'c', provider: 'openai', config: {}, ...CONNECTION_DEFAULTS, version: 1 })
  const start = (name: string) =>
    testServiceProcess(new URL('../src/main.ts', import.meta.url), { NATS_URL: nats.url, CAPACITY_INSTANCE: name })
  instances = ['one', 'two'].map(start)
  await Promise.all(instances.map(({ ready }) => ready))
  instances[0]?.freeze()
})

afterAll(async () => {
  await Promise.all(instances.map((instance) => instance.kill()))
  await bus?.close()
  await nats?.stop()
})

/** Sends twenty requests, one after the other, and returns the replies with the time that each took. */
async function twenty<R>(send: () => Promise<R>): Promise<{ reply: R; tookMs: number }[]> {
  const replies: { reply: R; tookMs: number }[] = []
  for (let i = 0; i < 20; i++) {
    const askedAtMs = performance.now()
    const reply = await send()
    replies.push({ reply, tookMs: performance.now() - askedAtMs })
  }
  return replies
}

it('every status request gets a reply while one of two instances hangs', async () => {
  const replies = await twenty(() => request(bus, capacityStatus, ['c'], {}))
  expect(replies.map(({ reply }) => reply.connectionId)).toEqual(Array.from({ length: 20 }, () => 'c'))
  expect(Math.max(...replies.map(({ tookMs }) => tookMs))).toBeLessThan(1_500)
  // Without a second try it would be lost: the queue did give the one that hangs its share.
  expect(Math.max(...replies.map(({ tookMs }) => tookMs))).toBeGreaterThan(capacityStatus.askAllAfterMs ?? 0)
})

it('a client that sends to every instance gets a reply each time', async () => {
  const subject = subjectOfAll(capacityStatus.subject('c'))
  const replies = await twenty(() => bus.connection.request(subject, '{}', { timeout: 1_500 }))
  for (const { reply } of replies) expect(reply.json()).toMatchObject({ connectionId: 'c' })
})

it('capacity is ready while one of two instances hangs', async () => {
  const replies = await twenty(() => request(bus, capacityHealth, [], {}))
  expect(replies.map(({ reply }) => reply.ready)).toEqual(Array.from({ length: 20 }, () => true))
})
