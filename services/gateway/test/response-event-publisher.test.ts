import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ResponseBatch, type ResponseEvent, responses } from '@sluice/contracts'
import { type Bus, connectBus, ensureStream } from '@sluice/messaging'
import { eventually, itWhere, smallDisk, type TestNats, testNats, whyNoSmallDisk } from '@sluice/testkit'
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest'
import { type EventPublisherOptions, eventPublisher } from '../src/accounting/response-event-publisher.ts'

let nats: TestNats
let bus: Bus
let dropped: number
let gateways = 0

beforeAll(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'test' })
  await ensureStream(bus, responses)
})

afterAll(async () => {
  await bus.close()
  await nats.stop()
})

beforeEach(async () => {
  dropped = 0
  await bus.jetstreamManager.streams.purge(responses.name)
})

async function backAgain(): Promise<void> {
  await nats.restart()
  await eventually(() => expect(bus.isConnected()).toBe(true), { timeoutMs: 15_000 })
}

function publisher(options: Partial<EventPublisherOptions> = {}, on = bus) {
  return eventPublisher(on, {
    gateway: `gateway-${++gateways}`,
    maxEvents: 1_000,
    onFault: () => undefined,
    onPublished: () => undefined,
    onDropped: (events) => {
      dropped += events
    },
    ...options,
  })
}

const event = (requestId: string): ResponseEvent => ({
  requestId,
  startedAtMs: 1,
  endedAtMs: 2,
  apiKeyId: 'k',
  model: 'm',
  outcome: 'success',
})

/** Every stored batch, oldest first. */
async function stored(on = bus): Promise<ResponseBatch[]> {
  const { state } = await on.jetstreamManager.streams.info(responses.name)
  const batches: ResponseBatch[] = []
  for (let seq = state.first_seq; state.messages > 0 && seq <= state.last_seq; seq++) {
    batches.push((await on.jetstreamManager.streams.getMessage(responses.name, { seq })).json())
  }
  return batches
}

const requestsBy = (events: readonly ResponseEvent[], group: (event: ResponseEvent) => string) =>
  Object.fromEntries(
    Object.entries(Object.groupBy(events, group)).map(([name, each = []]) => [
      name,
      each.reduce((sum, { requests = 1 }) => sum + requests, 0),
    ]),
  )

const idsOf = (batches: ResponseBatch[]) => batches.flatMap(({ events }) => events.map(({ requestId }) => requestId))

it('publishes each event once, in order, in batches of one connection', async () => {
  const events = publisher({ maxEvents: 5_000 })
  const ids = Array.from({ length: 1_200 }, (_, index) => String(index))
  for (const id of ids) events.record(Number(id) % 2 === 0 ? 'even' : 'odd', 'openai', event(id))
  await events.stop(5_000)
  const batches = await stored()
  expect(batches.length).toBeLessThan(12)
  for (const [connectionId, rest] of [
    ['even', 0],
    ['odd', 1],
  ] as const) {
    const own = batches.filter((batch) => batch.connectionId === connectionId)
    expect(idsOf(own)).toEqual(ids.filter((id) => Number(id) % 2 === rest))
  }
  expect(new Set(batches.map(({ batch }) => batch)).size).toBe(batches.length)
})

it('publishes events of any length, in batches that fit into a message', async () => {
  const events = publisher()
  // Three or six times as long where they are written down.
  const models = ['\u0001'.repeat(512), '☃'.repeat(512)]
  const rateLimitHeaders = { 'x-ratelimit-limit-requests': '"'.repeat(8_000) }
  const ids = Array.from({ length: 900 }, (_, index) => String(index))
  for (const [index, id] of ids.entries()) {
    const longer = index % 10 === 0 ? { rateLimitHeaders } : {}
    events.record('c', 'openai', { ...event(id), model: models[index % 2] ?? '', ...longer })
  }
  await eventually(async () => expect(idsOf(await stored())).toEqual(ids))
  await events.stop(1_000)
  expect(dropped).toBe(0)
})

it('keeps the newest events while NATS is unavailable, and counts those it drops', async () => {
  const events = publisher({ maxEvents: 10 })
  await nats.kill()
  await eventually(() => expect(bus.isConnected()).toBe(false))
  for (let id = 0; id < 50; id++) events.record('c', 'openai', event(String(id)))
  await nats.restart()
  await eventually(async () => expect(idsOf(await stored())).toContain('49'), { timeoutMs: 15_000 })
  const ids = idsOf(await stored())
  expect(ids).toEqual(['0', ...Array.from({ length: 9 }, (_, index) => String(41 + index))])
  expect(dropped).toBe(40)
  await events.stop(1_000)
})

it('keeps its events while NATS has no space, and publishes each once when there is some', async () => {
  const faults = new Set<string>()
  let published = 0
  const events = publisher({
    onFault: (error) => faults.add(error instanceof Error ? error.name : String(error)),
    onPublished: () => published++,
  })
  const { config } = await bus.jetstreamManager.streams.info(responses.name)
  // What a disk that fills up is to NATS' own limit.
  const discard = 'new' as typeof config.discard
  await bus.jetstreamManager.streams.update(responses.name, { ...config, max_bytes: 100, discard })
  const ids = Array.from({ length: 20 }, (_, index) => String(index))
  for (const id of ids) events.record('c', 'openai', event(id))
  await eventually(() => expect([...faults]).toEqual(['NoRoomError']))
  expect(published).toBe(0)
  await bus.jetstreamManager.streams.update(responses.name, config)
  await eventually(async () => expect(idsOf(await stored())).toEqual(ids))
  await events.stop(1_000)
  expect(dropped).toBe(0)
  expect(published).toBe((await stored()).length)
})

const whyNot = await whyNoSmallDisk()

itWhere(
  whyNot === undefined,
  whyNot ?? '',
  'loses no event that memory holds while the disk of NATS is full',
  async () => {
    const disk = await smallDisk(16)
    const full = await testNats({ dataDir: join(disk.path, 'data'), extraConfig: 'jetstream { max_file_store: 1GB }' })
    onTestFinished(async () => {
      await full.stop()
      await disk.remove()
    })
    const fullBus = await connectBus({ servers: full.url, name: 'full', jetstreamTimeoutMs: 500 })
    onTestFinished(() => fullBus.close())
    await ensureStream(fullBus, responses)
    const faults = new Set<string>()
    const onFault = (error: unknown) => faults.add(error instanceof Error ? error.name : String(error))
    const events = publisher({ onFault }, fullBus)
    events.record('c', 'openai', event('first'))
    await eventually(async () => expect(idsOf(await stored(fullBus))).toEqual(['first']))
    await writeFile(join(disk.path, 'ballast'), new Uint8Array((await disk.freeBytes()) - 4_096))
    const ids = Array.from({ length: 900 }, (_, index) => `${index}`)
    for (const id of ids) events.record('c', 'openai', { ...event(id), model: 'm'.repeat(200) })
    await eventually(() => expect(faults).toContain('NotConfirmedError'), { timeoutMs: 15_000 })
    await disk.grow(64)
    // Neither a current server nor an old one goes on by itself.
    await full.kill()
    await full.restart()
    await eventually(async () => expect(new Set(idsOf(await stored(fullBus)))).toEqual(new Set(['first', ...ids])), {
      timeoutMs: 20_000,
    })
    await events.stop(1_000)
    expect(dropped).toBe(0)
  },
  60_000,
)

it('drops a batch once consumers may have forgotten its name, and continues with the next', async () => {
  const events = publisher({ maxAgeMs: 0 })
  await nats.kill()
  await eventually(() => expect(bus.isConnected()).toBe(false))
  events.record('c', 'openai', event('old'))
  await eventually(() => expect(dropped).toBe(1))
  await backAgain()
  events.record('c', 'openai', event('new'))
  await eventually(async () => expect(idsOf(await stored())).toEqual(['new']))
  await events.stop(1_000)
  expect(dropped).toBe(1)
})

it('sums a flood of refused requests with invented models, and leaves the stream to other connections', async () => {
  const { config } = await bus.jetstreamManager.streams.info(responses.name)
  await bus.jetstreamManager.streams.update(responses.name, { ...config, max_bytes: 300_000 })
  onTestFinished(async () => {
    await bus.jetstreamManager.streams.update(responses.name, config)
  })
  const events = publisher()
  const quiet = Array.from({ length: 20 }, (_, index) => `quiet-${index}`)
  const refused = (index: number) => ({
    ...event(`flood-${index}`),
    ...(index % 3 === 0
      ? { outcome: 'client_error' as const }
      : { outcome: 'denied' as const, deniedBy: 'minute-requests' }),
    model: `made-up-${index}`,
  })
  let flooded = 0
  for (const id of quiet) {
    events.record('quiet', 'openai', event(id))
    for (let count = 0; count < 1_000; count++) events.record('noisy', 'openai', refused(flooded++))
    await eventually(async () => expect(idsOf(await stored())).toContain(id))
  }
  await events.stop(5_000)
  const batches = await stored()
  expect(idsOf(batches.filter(({ connectionId }) => connectionId === 'quiet'))).toEqual(quiet)
  const noisy = batches.filter(({ connectionId }) => connectionId === 'noisy').flatMap((batch) => batch.events)
  expect(requestsBy(noisy, ({ outcome }) => outcome)).toEqual({ client_error: 6_667, denied: 13_333 })
  expect(dropped).toBe(0)
})

it('keeps the events of a connection with few while another fills the memory', async () => {
  const events = publisher({ maxEvents: 1_000 })
  await nats.kill()
  await eventually(() => expect(bus.isConnected()).toBe(false))
  const quiet = Array.from({ length: 50 }, (_, index) => `quiet-${index}`)
  for (const id of quiet.slice(0, 25)) events.record('quiet', 'openai', event(id))
  for (let id = 0; id < 5_000; id++) events.record('noisy', 'openai', event(String(id)))
  for (const id of quiet.slice(25)) events.record('quiet', 'openai', event(id))
  await nats.restart()
  await eventually(async () => expect(idsOf(await stored())).toEqual(expect.arrayContaining([...quiet, '4999'])), {
    timeoutMs: 15_000,
  })
  await events.stop(1_000)
  expect(dropped + idsOf(await stored()).length).toBe(5_050)
})

it('stops at its deadline while NATS is unavailable', async () => {
  const events = publisher()
  await nats.kill()
  await eventually(() => expect(bus.isConnected()).toBe(false))
  events.record('c', 'openai', event('lost'))
  await events.stop(50)
  expect(dropped).toBe(1)
  await backAgain()
})

it('reports dropped events while NATS is unavailable, and all of them by the end of its stop', async () => {
  const events = publisher({ maxEvents: 2 })
  await nats.kill()
  await eventually(() => expect(bus.isConnected()).toBe(false))
  for (let id = 0; id < 5; id++) events.record('c', 'openai', event(String(id)))
  await eventually(() => expect(dropped).toBe(3))
  events.record('c', 'openai', event('5'))
  await events.stop(0)
  expect(dropped).toBe(6)
  await backAgain()
})
