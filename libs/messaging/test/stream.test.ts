import { defineStream } from '@sluice/contracts'
import { type TestNats, testNats } from '@sluice/testkit'
import { Type } from 'typebox'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Bus, connectBus } from '../src/bus.ts'
import { createStream, ensureStream, publishToStream } from '../src/stream.ts'

let nats: TestNats
let bus: Bus

beforeAll(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'stream.test' })
})
afterAll(async () => {
  await bus.close()
  await nats.stop()
})

const events = defineStream({
  name: 'EVENTS',
  subject: (id: string) => `events.${id}`,
  message: Type.Object({ n: Type.Integer() }),
  maxAgeMs: 60_000,
  maxBytes: 1_000_000,
  duplicateWindowMs: 30_000,
})

it('stores a message that is published again with its id once', async () => {
  await ensureStream(bus, events)
  await publishToStream(bus, events, ['a'], { n: 1 }, 'first')
  await publishToStream(bus, events, ['a'], { n: 1 }, 'first')
  await publishToStream(bus, events, ['b'], { n: 2 }, 'second')
  const { state } = await bus.jetstreamManager.streams.info(events.name)
  expect(state.messages).toBe(2)
})

it('brings a stream that is there to the definition’s settings, and keeps its messages', async () => {
  await ensureStream(bus, events)
  const before = await bus.jetstreamManager.streams.info(events.name)
  await ensureStream(bus, { ...events, maxAgeMs: 120_000, maxBytes: 2_000_000 })
  const after = await bus.jetstreamManager.streams.info(events.name)
  expect(after.config).toMatchObject({ max_age: 120_000 * 1e6, max_bytes: 2_000_000, subjects: ['events.*'] })
  expect(after.state.messages).toBe(before.state.messages)
})

it('leaves a stream that is there as it is for a service that does not own it', async () => {
  const others = { ...events, name: 'OTHERS', subject: (id: string) => `others.${id}` }
  await createStream(bus, others)
  await createStream(bus, { ...others, maxBytes: 2_000_000 })
  const { config } = await bus.jetstreamManager.streams.info(others.name)
  expect(config.max_bytes).toBe(others.maxBytes)
})

it('fails when the message is not known to be stored', async () => {
  const unknown = { ...events, subject: (id: string) => `elsewhere.${id}` }
  await expect(publishToStream(bus, unknown, ['a'], { n: 1 }, 'lost')).rejects.toThrow()
})
