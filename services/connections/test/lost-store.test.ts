import { cp, rm } from 'node:fs/promises'
import { apiKeyProjection, connectionProjection } from '@sluice/contracts'
import { type Bus, connectBus, openBucket } from '@sluice/messaging'
import { hashAccessToken } from '@sluice/service-kit'
import { eventually, type TestNats, testDatabase, testNats } from '@sluice/testkit'
import { expect, it, type TestContext } from 'vitest'
import { openAiConnection, startConnections, type TestConnections } from './support/start-connections.ts'

interface World {
  readonly nats: TestNats
  readonly service: TestConnections
  readonly bus: Bus
}

/** Starts servers for one test: the tests run at the same time, as they mostly wait. */
async function startWorld(onTestFinished: TestContext['onTestFinished']): Promise<World> {
  const [nats, database] = await Promise.all([testNats(), testDatabase('connections')])
  const service = await startConnections({ natsUrl: nats.url, databaseUrl: database.url })
  const bus = await connectBus({ servers: nats.url, name: 'test', jetstreamTimeoutMs: 1_000 })
  onTestFinished(async () => {
    await bus.close()
    await service.stop()
    await Promise.all([nats.stop(), database.drop()])
  })
  return { nats, service, bus }
}

/** The keys that one who follows both buckets knows. */
async function follow({ bus }: World): Promise<Set<string>> {
  const known = new Set<string>()
  const listeners = {
    onEntry: ({ key, value }: { readonly key: string; readonly value: unknown }) =>
      value === undefined ? known.delete(key) : known.add(key),
    onFault: () => undefined,
  }
  await (await openBucket(bus, apiKeyProjection)).watch(listeners)
  await (await openBucket(bus, connectionProjection)).watch(listeners)
  return known
}

async function create({ service }: World, name: string): Promise<{ hash: string; key: string; connection: string }> {
  const { body: key } = await service.call('POST', '/api/v1/api-keys', { name, connections: '*' })
  const { body: connection } = await service.call('POST', '/api/v1/connections', { ...openAiConnection, name })
  return { hash: hashAccessToken(key.key), key: key.id, connection: connection.id }
}

async function remove(
  { service }: World,
  { key, connection }: { readonly key: string; readonly connection: string },
): Promise<void> {
  expect((await service.call('DELETE', `/api/v1/api-keys/${key}`)).status).toBe(204)
  expect((await service.call('DELETE', `/api/v1/connections/${connection}`)).status).toBe(204)
}

const within = { timeoutMs: 30_000 }

it.concurrent.for(['is empty', 'is an older copy'])(
  'what is deleted while NATS is away is known no more when its store %s afterwards',
  { timeout: 60_000 },
  async (store, { onTestFinished }) => {
    const world = await startWorld(onTestFinished)
    const { nats } = world
    const known = await follow(world)
    const kept = await create(world, 'kept')
    await eventually(() => expect([...known].sort()).toEqual([kept.hash, kept.connection].sort()))
    const copy = `${nats.dataDir}-copy`
    await nats.halt()
    await cp(nats.dataDir, copy, { recursive: true })
    await nats.restart()
    const deleted = await create(world, 'deleted')
    await eventually(() => expect(known).toContain(deleted.connection), within)
    await eventually(() => expect(known).toContain(deleted.hash), within)
    await nats.halt()
    await rm(nats.dataDir, { recursive: true })
    if (store === 'is an older copy') await cp(copy, nats.dataDir, { recursive: true })
    await remove(world, deleted)
    await nats.restart()
    await eventually(() => expect([...known].sort()).toEqual([kept.hash, kept.connection].sort()), within)
    await rm(copy, { recursive: true })
  },
)

it.concurrent('forgets what was deleted while the streams of the buckets were missing', async ({ onTestFinished }) => {
  const world = await startWorld(onTestFinished)
  const { bus } = world
  const known = await follow(world)
  const kept = await create(world, 'kept')
  const deleted = await create(world, 'deleted')
  await eventually(() => expect(known.size).toBe(4))
  for (const bucket of ['api-keys', 'connections']) await bus.jetstreamManager.streams.delete(`KV_${bucket}`)
  await remove(world, deleted)
  await eventually(() => expect([...known].sort()).toEqual([kept.hash, kept.connection].sort()), within)
}, 60_000)

it.concurrent('what was deleted before the store was lost is known no more to one who was away', async ({
  onTestFinished,
}) => {
  const world = await startWorld(onTestFinished)
  const { bus } = world
  const known = await follow(world)
  const kept = await create(world, 'kept')
  const deleted = await create(world, 'deleted')
  await eventually(() => expect(known.size).toBe(4))
  // What follows hears nothing of the deletion, nor that there was a marker.
  const { streams, consumers } = bus.jetstreamManager
  for (const bucket of ['api-keys', 'connections']) {
    for await (const { name, config } of consumers.list(`KV_${bucket}`)) {
      if (config.deliver_subject?.startsWith('_INBOX') === true) await consumers.delete(`KV_${bucket}`, name)
    }
  }
  await remove(world, deleted)
  await eventually(async () => {
    const bucket = await openBucket(bus, connectionProjection)
    expect((await bucket.get(deleted.connection)).value).toBeUndefined()
  })
  for (const bucket of ['api-keys', 'connections']) await streams.delete(`KV_${bucket}`)
  await eventually(() => expect([...known].sort()).toEqual([kept.hash, kept.connection].sort()), {
    timeoutMs: 70_000,
  })
}, 90_000)
