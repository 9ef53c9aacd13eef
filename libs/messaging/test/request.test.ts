import { defineRequest, SluiceError } from '@sluice/contracts'
import { eventually, type TestNats, testNats } from '@sluice/testkit'
import { Type } from 'typebox'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Bus, connectBus } from '../src/bus.ts'
import { NoReplyError, NoRespondersError } from '../src/errors.ts'
import { request } from '../src/request.ts'
import { ERROR_CODE_HEADER, type Served, type ServeOptions, serve } from '../src/serve.ts'

let nats: TestNats
let bus: Bus
const serving: Served[] = []

beforeAll(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'request.test' })
})
afterEach(async () => {
  await Promise.all(serving.splice(0).map((served) => served.stop()))
})
afterAll(async () => {
  await bus.close()
  await nats.stop()
})

const double = defineRequest({
  subject: (id: string) => `double.${id}`,
  queue: 'double',
  timeoutMs: 300,
  request: Type.Object({ n: Type.Integer() }),
  reply: Type.Object({ n: Type.Integer(), id: Type.Optional(Type.String()) }),
})

it('gives the reply of whoever serves the subject', async () => {
  start(({ n }, [id]) => ({ n: n * 2, ...(id === undefined ? {} : { id }) }))
  expect(await request(bus, double, ['a'], { n: 21 })).toEqual({ n: 42, id: 'a' })
})

it('fails at once when no service serves the subject', async () => {
  await expect(request(bus, double, ['a'], { n: 1 })).rejects.toBeInstanceOf(NoRespondersError)
})

it('fails when no reply comes in time, and only then', async () => {
  const release = Promise.withResolvers<{ n: number }>()
  start(() => release.promise)
  await expect(request(bus, double, ['a'], { n: 1 })).rejects.toBeInstanceOf(NoReplyError)
  release.resolve({ n: 1 })
})

it.each([
  ['not JSON', '{"n": 1'],
  ['of another shape', '{"n": "one"}'],
  ['empty', ''],
])('replies at once to a request that is %s, with what is wrong', async (_what, payload) => {
  start(({ n }) => ({ n }))
  const reply = await bus.connection.request(double.subject('a'), payload, { timeout: 5_000 })
  expect(reply.headers?.get(ERROR_CODE_HEADER)).toBe('invalid_request')
  expect(reply.json()).toMatchObject({ code: 'invalid_request' })
  expect(await request(bus, double, ['a'], { n: 1 })).toEqual({ n: 1 })
})

it('names the fields that are wrong', async () => {
  start(({ n }) => ({ n }))
  const wrong = { n: 'one' } as unknown as { n: number }
  await expect(request(bus, double, ['a'], wrong)).rejects.toMatchObject({
    code: 'invalid_request',
    fields: [{ field: 'n', message: expect.any(String) }],
  })
})

it('hands on the responder’s own error, with its code and fields', async () => {
  const fields = [{ field: 'n', message: 'is odd' }]
  const faults: unknown[] = []
  start(() => Promise.reject(new SluiceError('not_found', 'no such number', { fields })), {
    onFault: (error) => faults.push(error),
  })
  await expect(request(bus, double, ['a'], { n: 1 })).rejects.toMatchObject({
    code: 'not_found',
    message: 'no such number',
    fields,
  })
  expect(faults).toEqual([])
})

it('reports an unforeseen fault to its own side in full, and nothing of it to the requester', async () => {
  const faults: unknown[] = []
  start(() => Promise.reject(new Error('password is 1234')), { onFault: (error) => faults.push(error) })
  await expect(request(bus, double, ['a'], { n: 1 })).rejects.toMatchObject({
    code: 'internal',
    message: 'internal error',
  })
  expect(faults.map(String)).toEqual(['Error: password is 1234'])
})

it('takes a reply of another shape for a fault', async () => {
  bus.connection.subscribe(double.subject('a'), {
    max: 1,
    callback: (_error, message) => message.respond('{"n": "one"}'),
  })
  await expect(request(bus, double, ['a'], { n: 1 })).rejects.toMatchObject({ code: 'internal' })
})

it('shares requests among the responders of a queue, each request to one', async () => {
  const counts = [0, 0]
  for (const index of [0, 1]) {
    start(({ n }) => {
      counts[index] = (counts[index] ?? 0) + 1
      return { n }
    })
  }
  await Promise.all(Array.from({ length: 100 }, (_, n) => request(bus, double, ['a'], { n })))
  expect(counts.reduce((sum, count) => sum + count)).toBe(100)
  expect(Math.min(...counts)).toBeGreaterThan(0)
})

describe('with a responder that hangs in the queue', () => {
  const reading = { ...double, timeoutMs: 5_000, askAllAfterMs: 50 }

  /** Takes its share of the queue's requests and replies to none. */
  const hang = async () => {
    const taken: string[] = []
    const subscription = bus.connection.subscribe(double.subject('a'), {
      queue: double.queue,
      callback: (_, { subject }) => taken.push(subject),
    })
    serving.push({ stop: () => subscription.drain() })
    await bus.connection.flush()
    return taken
  }

  it('a request that may be repeated soon gets a reply from another instance', async () => {
    const taken = await hang()
    start(({ n }) => ({ n: n * 2 }), {}, reading)
    const beganAtMs = performance.now()
    const replies = await Promise.all(Array.from({ length: 40 }, (_, n) => request(bus, reading, ['a'], { n })))
    expect(replies).toEqual(Array.from({ length: 40 }, (_, n) => ({ n: n * 2 })))
    expect(taken.length).toBeGreaterThan(0)
    expect(performance.now() - beganAtMs).toBeLessThan(2_000)
  })

  it('a request that may not is sent once, and gets no reply', async () => {
    const taken = await hang()
    const handled: number[] = []
    start(({ n }) => {
      handled.push(n)
      return { n }
    })
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => request(bus, double, ['a'], { n })))
    const failed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
    expect(failed).toHaveLength(taken.length)
    for (const error of failed) expect(error).toBeInstanceOf(NoReplyError)
    expect(handled.length + taken.length).toBe(20)
  })
})

describe('a request that may be repeated', () => {
  const reading = { ...double, timeoutMs: 400, askAllAfterMs: 50 }

  it('goes to one instance only while that one replies in time', async () => {
    let handled = 0
    const count = ({ n }: { n: number }) => {
      handled++
      return { n }
    }
    for (const _ of [1, 2]) start(count, {}, reading)
    await request(bus, reading, ['a'], { n: 1 })
    expect(handled).toBe(1)
  })

  it('takes the late reply of the first when no other instance has one', async () => {
    const release = Promise.withResolvers<{ n: number }>()
    const subjects: string[] = []
    const subscription = bus.connection.subscribe(`${double.subject('a')}.>`, {
      callback: (_, { subject }) => {
        subjects.push(subject)
        release.resolve({ n: 7 })
      },
    })
    // As a responder of an earlier release: it does not know the subject that reaches all instances.
    start(() => release.promise, {}, double)
    expect(await request(bus, reading, ['a'], { n: 1 })).toEqual({ n: 7 })
    expect(subjects).toEqual(['double.a.all'])
    subscription.unsubscribe()
  })

  it('fails like any other when no instance replies in time, or none exists', async () => {
    await expect(request(bus, reading, ['a'], { n: 1 })).rejects.toBeInstanceOf(NoRespondersError)
    const release = Promise.withResolvers<{ n: number }>()
    start(() => release.promise, {}, reading)
    await expect(request(bus, reading, ['a'], { n: 1 })).rejects.toBeInstanceOf(NoReplyError)
    release.resolve({ n: 1 })
  })
})

it('replies only to inboxes, whatever the request says', async () => {
  const seen: string[] = []
  bus.connection.subscribe('>', { max: 3, callback: (_, { subject }) => seen.push(subject) })
  start(({ n }) => ({ n }))
  bus.connection.publish(double.subject('a'), '{"n": 1}', { reply: 'connections.v1.changed.a' })
  await request(bus, double, ['a'], { n: 1 })
  expect(seen).toEqual([double.subject('a'), double.subject('a'), expect.stringMatching(/^_INBOX\./)])
})

it('serves only the identifiers it is given', async () => {
  start(({ n }) => ({ n }), { identifiers: ['mine'] })
  expect(await request(bus, double, ['mine'], { n: 1 })).toEqual({ n: 1 })
  await expect(request(bus, double, ['other'], { n: 1 })).rejects.toBeInstanceOf(NoRespondersError)
})

it('replies to what it has taken before it stops, and takes nothing after', async () => {
  const release = Promise.withResolvers<void>()
  const entered = Promise.withResolvers<void>()
  const served = start(async ({ n }) => {
    entered.resolve()
    await release.promise
    return { n }
  })
  const reply = request(bus, double, ['a'], { n: 7 })
  await entered.promise
  const stopped = served.stop()
  await eventually(() => expect(request(bus, double, ['a'], { n: 8 })).rejects.toBeInstanceOf(NoRespondersError))
  release.resolve()
  expect(await reply).toEqual({ n: 7 })
  await stopped
})

function start(
  handle: Parameters<typeof serve<[string], typeof double.request, typeof double.reply>>[2],
  options: Partial<ServeOptions> = {},
  definition = double,
): Served {
  const served = serve(bus, definition, handle, { onFault: () => undefined, ...options })
  serving.push(served)
  return served
}
