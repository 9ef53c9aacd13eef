import { once } from 'node:events'
import { createConnection } from 'node:net'
import { defineBucket, defineRequest } from '@sluice/contracts'
import { type ClusterNode, eventually, type TestNatsCluster, testNatsCluster } from '@sluice/testkit'
import { Type } from 'typebox'
import { afterEach, expect, it } from 'vitest'
import { openBucket } from '../src/bucket.ts'
import { type Bus, connectBus } from '../src/bus.ts'
import { request } from '../src/request.ts'
import { serve } from '../src/serve.ts'

/** The most that the loss of a node may cost. */
const MOST_MS = 3_000

let cluster: TestNatsCluster | undefined
const buses: Bus[] = []

afterEach(async () => {
  for (const { thaw } of cluster?.nodes ?? []) thaw()
  for (const bus of buses.splice(0)) await bus.close()
  await cluster?.stop()
  cluster = undefined
})

const counters = defineBucket({ name: 'counters', value: Type.Object({ n: Type.Integer() }) })
const ping = defineRequest({
  subject: (id: string) => `ping.${id}`,
  queue: 'ping',
  timeoutMs: 5_000,
  request: Type.Object({}),
  reply: Type.Object({}),
})

async function connect(servers: string): Promise<Bus> {
  const bus = await connectBus({
    servers,
    name: 'test',
    replicas: 3,
    user: 'u',
    password: 'p',
    jetstreamTimeoutMs: 500,
  })
  buses.push(bus)
  return bus
}

/** Starts the cluster. A server closes a connection that does not log in within 2 s. */
async function startCluster(): Promise<TestNatsCluster> {
  cluster = await testNatsCluster({ extraConfig: 'authorization { user: u, password: p, timeout: 2 }' })
  return cluster
}

/** A node that does not lead the bucket, so that what is measured is the client's time and not that of an election. */
async function follower({ jetstreamManager }: Bus, nodes: readonly ClusterNode[]): Promise<ClusterNode> {
  const { cluster: replicas } = await jetstreamManager.streams.info(`KV_${counters.name}`)
  const node = nodes.find(({ name }) => name !== replicas?.leader)
  if (node === undefined) throw new Error('every node leads the bucket')
  return node
}

/** Milliseconds until `attempt`, made again whenever it fails, has succeeded. */
async function untilDone(attempt: () => Promise<unknown>): Promise<number> {
  const beganAtMs = performance.now()
  await eventually(attempt, { timeoutMs: 30_000 })
  return performance.now() - beganAtMs
}

it('writes, requests and replies through another node within 3 s of its own falling silent', async () => {
  const { nodes, urls } = await startCluster()
  const first = await connect(urls)
  // A cluster that has just started has no leader yet.
  await eventually(() => openBucket(first, counters), { timeoutMs: 20_000 })
  const frozen = await follower(first, nodes)
  const bus = await connect(frozen.url)
  const other = await connect(nodes.flatMap(({ url }) => (url === frozen.url ? [] : [url])).join(','))
  const bucket = await openBucket(bus, counters)
  for (const [server, id] of [
    [other, 'other'],
    [bus, 'bus'],
  ] as const) {
    serve(server, ping, () => ({}), { identifiers: [id], onFault: (error) => expect.unreachable(String(error)) })
    await server.connection.flush()
  }
  await eventually(() => request(bus, ping, ['other'], {}))
  frozen.freeze()
  const [writes, requests, replies] = await Promise.all([
    untilDone(() => bucket.put('k', { n: 1 })),
    untilDone(() => request(bus, ping, ['other'], {}, { timeoutMs: 200 })),
    untilDone(() => request(other, ping, ['bus'], {}, { timeoutMs: 50 })),
  ])
  expect(Math.max(writes, requests)).toBeLessThan(MOST_MS)
  // Until the other servers drop their routes to the frozen one, they send it a part of a queue group's requests.
  expect(replies).toBeLessThan(MOST_MS + 1_000)
}, 90_000)

it('leaves a silent server although what it has sent it fills every buffer on the way', async () => {
  const { nodes, urls } = await startCluster()
  const [frozen] = nodes
  if (frozen === undefined) return expect.unreachable()
  const bus = await connect(frozen.url)
  frozen.freeze()
  for (let megabytes = 0; megabytes < 64; megabytes++) bus.connection.publish('news', new Uint8Array(1_000_000))
  const tookMs = await untilDone(async () => expect(bus.connection.getServer()).not.toBe(new URL(frozen.url).host))
  expect(tookMs).toBeLessThan(MOST_MS)
  expect(urls).toContain(bus.connection.getServer())
})

it('is not disturbed when a server goes on that it gave up connecting to', async () => {
  const { nodes } = await startCluster()
  const [frozen, healthy] = nodes
  if (frozen === undefined || healthy === undefined) return expect.unreachable()
  const bus = await connect(frozen.url)
  const received: string[] = []
  bus.connection.subscribe('news', { callback: (_, message) => received.push(message.string()) })
  await bus.connection.flush()
  let losses = 0
  const count = async () => {
    for await (const { type } of bus.connection.status()) if (type === 'disconnect') losses++
  }
  void count()
  frozen.freeze()
  await eventually(() => expect(bus.isConnected()).toBe(false))
  await eventually(() => expect(bus.isConnected()).toBe(true))
  // The first server that was tried is the frozen one, which its kernel connected to; this one stands for what that
  // attempt left.
  const left = createConnection(Number(new URL(frozen.url).port), '127.0.0.1')
  await once(left, 'connect')
  frozen.thaw()
  left.resume()
  await once(left, 'close')
  const publisher = await connect(healthy.url)
  await eventually(async () => {
    publisher.connection.publish('news', 'now')
    await publisher.connection.flush()
    await bus.connection.flush()
    expect(received).not.toEqual([])
  })
  for (const news of ['a', 'b']) publisher.connection.publish('news', news)
  await eventually(() => expect(received).toContain('b'))
  expect(received.filter((text) => text !== 'now')).toEqual(['a', 'b'])
  expect(losses).toBe(1)
}, 60_000)

it('keeps its connection when its process was not scheduled for longer than a silent server is given', async () => {
  const { urls } = await startCluster()
  const bus = await connect(urls)
  const statuses: string[] = []
  const follow = async () => {
    for await (const { type } of bus.connection.status()) statuses.push(type)
  }
  void follow()
  for (let times = 0; times < 3; times++) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, MOST_MS)
    // Several turns of the event loop, in which what is due by the clock happens.
    for (let turn = 0; turn < 3; turn++) await bus.connection.flush()
  }
  expect(statuses).not.toContain('disconnect')
}, 60_000)
