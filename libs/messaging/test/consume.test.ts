import { defineStream } from '@sluice/contracts'
import { eventually, type TestNats, testNats } from '@sluice/testkit'
import { Type } from 'typebox'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { StreamMessage } from '../src/batch-handler.ts'
import { type Bus, connectBus } from '../src/bus.ts'
import { type ConsumeOptions, type Consuming, consume } from '../src/consume.ts'
import { UnprocessableMessageError } from '../src/errors.ts'
import { ensureStream, publishToStream } from '../src/stream.ts'

let nats: TestNats
let bus: Bus
let stream: ReturnType<typeof numbersStream>
let streams = 0
const running: Consuming[] = []

beforeAll(async () => {
  nats = await testNats()
})
afterAll(() => nats.stop())
beforeEach(async () => {
  bus = await connectBus({ servers: nats.url, name: 'consume.test' })
  stream = numbersStream(++streams)
  await ensureStream(bus, stream)
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((consuming) => consuming.stop()))
  await bus.close()
})

it('hands over every message in the order of the stream, in batches of what has come', async () => {
  await publish(1, 2, 3, 4, 5)
  const batches: number[][] = []
  await start({ batchMessages: 2, handle: async (messages) => void batches.push(numbers(messages)) })
  await eventually(() => expect(batches.flat()).toEqual([1, 2, 3, 4, 5]))
  expect(Math.max(...batches.map((batch) => batch.length))).toBeLessThanOrEqual(2)
})

it('leaves no message that comes while a batch is taken to a later redelivery', async () => {
  const seen: StreamMessage<{ n: number }>[] = []
  await start({ batchMessages: 50, handle: async (messages) => void seen.push(...messages) })
  const sent = Array.from({ length: 3_000 }, (_, index) => index)
  for (let first = 0; first < sent.length; first += 10) await publish(...sent.slice(first, first + 10))
  await eventually(() => expect(seen).toHaveLength(sent.length))
  expect(numbers(seen).sort((a, b) => a - b)).toEqual(sent)
  expect(seen.filter((message) => message.redelivered)).toEqual([])
})

it('stores malformed messages as dead letters, once, with the reason, and goes on', async () => {
  const letters: [string, number, string, string][] = []
  const seen: number[] = []
  await publish(1)
  await bus.jetstream.publish(stream.subject('a'), '{"n": "two"}')
  await bus.jetstream.publish(stream.subject('a'), 'not JSON')
  await publish(4)
  await start({
    handle: async (messages) => void seen.push(...numbers(messages)),
    storeDeadLetter: async ({ subject, streamSequence, reason, data }) =>
      void letters.push([subject, streamSequence, reason, Buffer.from(data).toString()]),
  })
  await eventually(() => expect(seen).toEqual([1, 4]))
  expect(letters).toEqual([
    [stream.subject('a'), 2, 'n must be an integer, not a string', '{"n": "two"}'],
    [stream.subject('a'), 3, 'the message is not JSON', 'not JSON'],
  ])
  await eventually(async () => expect(await unacknowledged()).toBe(0))
})

it('delivers a malformed message again until it is stored as a dead letter, and handles the others at once', async () => {
  await bus.jetstream.publish(stream.subject('a'), 'not JSON')
  await publish(2)
  const faults: unknown[] = []
  const seen: number[] = []
  const stored: number[] = []
  await start({
    handle: async (messages) => void seen.push(...numbers(messages)),
    storeDeadLetter: async ({ streamSequence }) => {
      if (!seen.includes(2) || faults.length < 2) throw new Error('not now')
      stored.push(streamSequence)
    },
    onFault: (error) => faults.push(error),
  })
  await eventually(() => expect({ stored, seen }).toEqual({ stored: [1], seen: [2] }))
  expect(faults.map(String)).toContain('Error: not now')
  await eventually(async () => expect(await unacknowledged()).toBe(0))
})

it('finds the messages of a batch that can never be handled, stores them as dead letters, and handles the others', async () => {
  await publish(1, 2, 3, 4, 5, 6, 7)
  const seen: number[] = []
  const letters: string[] = []
  await start({
    handle: async (messages) => {
      const bad = numbers(messages).find((n) => n % 3 === 0)
      if (bad !== undefined) throw new UnprocessableMessageError('no good', { cause: new Error(`${bad} is too odd`) })
      seen.push(...numbers(messages))
    },
    storeDeadLetter: async ({ reason }) => void letters.push(reason),
  })
  await eventually(() => expect(letters.toSorted()).toEqual(['no good: 3 is too odd', 'no good: 6 is too odd']))
  await eventually(async () => expect(await unacknowledged()).toBe(0))
  expect(seen.toSorted()).toEqual([1, 2, 4, 5, 7])
})

it('delivers the whole batch again if the search for its dead letters fails', async () => {
  await publish(1, 2, 3, 4)
  const seen: number[] = []
  const letters: number[] = []
  let isAway = true
  await start({
    handle: async (messages) => {
      if (numbers(messages).includes(4)) throw new UnprocessableMessageError('no good')
      if (isAway) {
        isAway = false
        throw new Error('away')
      }
      seen.push(...numbers(messages))
    },
    storeDeadLetter: async ({ streamSequence }) => void letters.push(streamSequence),
  })
  await eventually(async () => expect(await unacknowledged()).toBe(0))
  await eventually(() => expect(letters).toEqual([4]))
  expect(seen.toSorted()).toEqual([1, 2, 3])
})

it('delivers a failed batch again, with its sequence numbers, until it is handled', async () => {
  await publish(1, 2)
  const faults: unknown[] = []
  const failed: StreamMessage<{ n: number }>[] = []
  const handled: StreamMessage<{ n: number }>[] = []
  await start({
    handle: async (messages) => {
      if (failed.length < 4) {
        failed.push(...messages)
        throw new Error('not now')
      }
      handled.push(...messages)
    },
    onFault: (error) => faults.push(error),
  })
  await eventually(() => expect(handled.map((message) => message.streamSequence).sort()).toEqual([1, 2]))
  expect(handled.every((message) => message.redelivered)).toBe(true)
  expect(faults.map(String)).toContain('Error: not now')
  await eventually(async () => expect(await unacknowledged()).toBe(0))
})

it('goes on where the durable consumer stopped, having finished the batch at hand', async () => {
  await publish(1)
  const entered = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const first: number[] = []
  const consuming = await start({
    handle: async (messages) => {
      entered.resolve()
      await release.promise
      first.push(...numbers(messages))
    },
  })
  await entered.promise
  const stopped = consuming.stop()
  await publish(2)
  release.resolve()
  await stopped
  expect(first).toEqual([1])
  const second: number[] = []
  await start({ handle: async (messages) => void second.push(...numbers(messages)) })
  await eventually(() => expect(second).toEqual([2]))
})

it('has nothing delivered again that is being handled or waits for it, however long that takes', async () => {
  await publish(1, 2, 3)
  const seen: number[] = []
  let isLong = true
  await start({
    batchMessages: 2,
    handle: async (messages) => {
      seen.push(...numbers(messages))
      // Longer than the server waits for a sign, which cannot be waited for in any other way.
      if (isLong) await new Promise((resolve) => setTimeout(resolve, 6_000))
      isLong = false
    },
  })
  await eventually(() => expect(seen).toContain(3), { timeoutMs: 10_000 })
  await eventually(async () => expect(await unacknowledged()).toBe(0))
  expect(seen).toEqual([1, 2, 3])
})

it('handles what has come before it stops', async () => {
  await publish(1, 2, 3)
  const entered = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const handled: number[] = []
  const consuming = await start({
    batchMessages: 1,
    handle: async (messages) => {
      entered.resolve()
      await release.promise
      handled.push(...numbers(messages))
    },
  })
  await entered.promise
  await eventually(async () => expect(await unacknowledged()).toBe(3))
  const stopped = consuming.stop()
  release.resolve()
  await stopped
  expect(handled).toEqual([1, 2, 3])
  await eventually(async () => expect(await unacknowledged()).toBe(0))
})

it('stops while its batches fail, and leaves them to another consumer', async () => {
  await publish(1, 2)
  const failed = Promise.withResolvers<void>()
  const failing = await start({
    handle: () => Promise.reject(new Error('away')),
    onFault: () => failed.resolve(),
  })
  await failed.promise
  const seen = new Set<number>()
  await start({
    handle: async (messages) => {
      for (const n of numbers(messages)) seen.add(n)
    },
  })
  await failing.stop()
  await eventually(() => expect([...seen].sort()).toEqual([1, 2]))
})

it('shares the messages among consumers of one durable name', async () => {
  const seen: number[] = []
  const collect = async (messages: StreamMessage<{ n: number }>[]) => void seen.push(...numbers(messages))
  await Promise.all([start({ handle: collect }), start({ handle: collect })])
  const sent = Array.from({ length: 100 }, (_, index) => index)
  await publish(...sent)
  await eventually(() => expect(seen).toHaveLength(100))
  expect(seen.sort((a, b) => a - b)).toEqual(sent)
})

it('reads on after a restart of the server and after its durable consumer was removed', async () => {
  const seen: number[] = []
  await start({ handle: async (messages) => void seen.push(...numbers(messages)) })
  await publish(1)
  await eventually(() => expect(seen).toContain(1))
  await nats.restart()
  // A connection of its own: what the old one sent while the server was away would wait for its timeout.
  const other = await connectBus({ servers: nats.url, name: 'publisher' })
  await publishToStream(other, stream, ['a'], { n: 2 }, 'message-2')
  await other.close()
  await eventually(() => expect(seen).toContain(2), { timeoutMs: 15_000 })
  await bus.jetstreamManager.consumers.delete(stream.name, DURABLE)
  await publish(3)
  await eventually(() => expect(seen).toContain(3), { timeoutMs: 15_000 })
})

const DURABLE = 'reader'

function numbersStream(index: number) {
  return defineStream({
    name: `NUMBERS_${index}`,
    subject: (id: string) => `numbers${index}.${id}`,
    message: Type.Object({ n: Type.Integer() }),
    maxAgeMs: 60_000,
    maxBytes: 10_000_000,
    duplicateWindowMs: 60_000,
  })
}

async function publish(...values: number[]): Promise<void> {
  await Promise.all(values.map((n) => publishToStream(bus, stream, ['a'], { n }, `message-${n}`)))
}

async function start(
  options: Pick<ConsumeOptions<{ n: number }>, 'handle'> & Partial<ConsumeOptions<{ n: number }>>,
): Promise<Consuming> {
  const consuming = await consume(bus, stream, {
    durable: DURABLE,
    batchMessages: 100,
    storeDeadLetter: async () => undefined,
    onFault: () => undefined,
    onRollBack: () => undefined,
    ...options,
  })
  running.push(consuming)
  return consuming
}

function numbers(messages: readonly StreamMessage<{ n: number }>[]): number[] {
  return messages.map(({ message }) => message.n)
}

async function unacknowledged(): Promise<number> {
  return (await bus.jetstreamManager.consumers.info(stream.name, DURABLE)).num_ack_pending
}
