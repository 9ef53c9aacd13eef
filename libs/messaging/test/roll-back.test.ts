import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { defineStream } from '@sluice/contracts'
import { breakableProxy, eventually, freePort, type TestNats, testNats } from '@sluice/testkit'
import { Type } from 'typebox'
import { afterEach, expect, it } from 'vitest'
import { type Bus, connectBus } from '../src/bus.ts'
import { type ConsumeOptions, type Consuming, consume } from '../src/consume.ts'
import type { RollBack } from '../src/durable-consumer.ts'
import { ensureStream, publishToStream } from '../src/stream.ts'

const numbers = defineStream({
  name: 'NUMBERS',
  subject: (id: string) => `numbers.${id}`,
  message: Type.Object({ n: Type.Integer() }),
  maxAgeMs: 3_600_000,
  maxBytes: 10_000_000,
  duplicateWindowMs: 60_000,
})

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function start(extraConfig?: string): Promise<TestNats> {
  const nats = await testNats(extraConfig === undefined ? {} : { extraConfig })
  ends.push(() => nats.stop())
  return nats
}

async function connect(url: string): Promise<Bus> {
  const bus = await connectBus({ servers: url, name: 'roll-back.test' })
  ends.push(() => bus.close())
  return bus
}

async function publish(url: string, ...values: number[]): Promise<void> {
  const bus = await connectBus({ servers: url, name: 'publisher' })
  for (const n of values) await publishToStream(bus, numbers, ['a'], { n }, `message-${n}`)
  await bus.close()
}

interface Reader {
  readonly seen: Set<number>
  readonly rollBacks: RollBack[]
  readonly consuming: Consuming
}

async function read(bus: Bus, options: Partial<ConsumeOptions<{ n: number }>> = {}): Promise<Reader> {
  const seen = new Set<number>()
  const rollBacks: RollBack[] = []
  const consuming = await consume(bus, numbers, {
    durable: 'reader',
    batchMessages: 100,
    handle: async (messages) => messages.forEach(({ message }) => void seen.add(message.n)),
    storeDeadLetter: async () => undefined,
    onFault: () => undefined,
    onRollBack: (rollBack) => rollBacks.push(rollBack),
    ...options,
  })
  ends.push(() => consuming.stop())
  return { seen, rollBacks, consuming }
}

/** The messages on the disk, which a power cut can leave older than the place of a consumer. */
const messagesOf = (nats: TestNats) => join(nats.dataDir, 'jetstream/$G/streams', numbers.name, 'msgs')

/**
 * Stores and has read 1 to 3, then 4 to 8; what the server has then on its disk are 1 to 3 and a consumer that has
 * read all eight.
 */
async function loseFiveOfEight(nats: TestNats, reader: Reader): Promise<void> {
  const kept = `${nats.dataDir}-kept`
  ends.push(() => rm(kept, { recursive: true, force: true }))
  await publish(nats.url, 1, 2, 3)
  await eventually(() => expect(reader.seen.size).toBe(3))
  await nats.halt()
  await cp(messagesOf(nats), kept, { recursive: true })
  await nats.restart()
  await publish(nats.url, 4, 5, 6, 7, 8)
  await eventually(() => expect(reader.seen.size).toBe(8), { timeoutMs: 10_000 })
  await eventually(async () => {
    const bus = await connectBus({ servers: nats.url, name: 'looks' })
    const { ack_floor } = await bus.jetstreamManager.consumers.info(numbers.name, 'reader')
    await bus.close()
    expect(ack_floor.stream_seq).toBe(8)
  })
  await nats.halt()
  await rm(messagesOf(nats), { recursive: true })
  await cp(kept, messagesOf(nats), { recursive: true })
}

const all = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

it('handles every new message of a stream that a restart of its server rolled back', async () => {
  const nats = await start()
  const bus = await connect(nats.url)
  await ensureStream(bus, numbers)
  const reader = await read(bus)
  await loseFiveOfEight(nats, reader)
  await nats.restart()
  await publish(nats.url, 9, 10)
  await eventually(() => expect([...reader.seen]).toEqual(all(10)), { timeoutMs: 10_000 })
  await publish(nats.url, 11, 12, 13, 14, 15, 16)
  await eventually(() => expect([...reader.seen]).toEqual(all(16)))
  expect(reader.rollBacks).toEqual([
    { stream: 'NUMBERS', durable: 'reader', seenSequence: 8, lastSequence: expect.any(Number) },
  ])
})

it('handles every new message when it begins after the roll-back', async () => {
  const nats = await start()
  const bus = await connect(nats.url)
  await ensureStream(bus, numbers)
  const before = await read(bus)
  await loseFiveOfEight(nats, before)
  await before.consuming.stop()
  await nats.restart()
  await publish(nats.url, 9, 10)
  const after = await read(await connect(nats.url))
  // Servers from 2.10 on put the consumer back to the end of its stream by themselves.
  await eventually(() => expect([...after.seen].filter((n) => n > 3)).toEqual([9, 10]))
})

it('handles the new messages that have filled the gap by the time that it begins, by what its handler remembers', async () => {
  const nats = await start()
  const bus = await connect(nats.url)
  await ensureStream(bus, numbers)
  const before = await read(bus)
  await loseFiveOfEight(nats, before)
  await before.consuming.stop()
  await nats.restart()
  await publish(nats.url, ...all(20).slice(8))
  const after = await read(await connect(nats.url), { wasHandled: async ({ n }) => before.seen.has(n) })
  const news = all(20).slice(8)
  await eventually(() => expect([...after.seen].filter((n) => n > 3)).toEqual(news))
})

it('handles the new messages that have filled the gap by the time that its connection is back', async () => {
  const port = await freePort()
  const nats = await start(`client_advertise: "127.0.0.1:${port}"`)
  const proxy = await breakableProxy(nats.url, port)
  ends.push(() => proxy.cut())
  const bus = await connect(proxy.url)
  await ensureStream(bus, numbers)
  const reader = await read(bus)
  await loseFiveOfEight(nats, reader)
  await proxy.cut()
  await nats.restart()
  await publish(nats.url, ...all(20).slice(8))
  await proxy.mend()
  await eventually(() => expect([...reader.seen]).toEqual(all(20)), { timeoutMs: 10_000 })
  expect(reader.rollBacks).toEqual([{ stream: 'NUMBERS', durable: 'reader', seenSequence: 8, lastSequence: 15 }])
})

it('has delivered again what was being handled when the connection was lost, as its place may be another message’s', async () => {
  const nats = await start()
  const bus = await connect(nats.url)
  await ensureStream(bus, numbers)
  const entered = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const handled: boolean[] = []
  const handle: ConsumeOptions<{ n: number }>['handle'] = async ([message]) => {
    entered.resolve()
    await release.promise
    handled.push(message?.redelivered ?? false)
  }
  const reader = await read(bus, { handle })
  await publish(nats.url, 1)
  await entered.promise
  await nats.restart()
  await eventually(() => expect(bus.isConnected()).toBe(true))
  release.resolve()
  await eventually(() => expect(handled).toEqual([false, true]), { timeoutMs: 15_000 })
  expect(reader.rollBacks).toEqual([])
})

it('reads on after a restart at which nothing was lost, without beginning again', async () => {
  const nats = await start()
  const bus = await connect(nats.url)
  await ensureStream(bus, numbers)
  const reader = await read(bus)
  await publish(nats.url, 1, 2, 3)
  await eventually(() => expect(reader.seen.size).toBe(3))
  for (const n of [4, 5]) {
    await nats.restart()
    await publish(nats.url, n)
    await eventually(() => expect(reader.seen).toContain(n), { timeoutMs: 10_000 })
  }
  expect(reader.rollBacks).toEqual([])
})
