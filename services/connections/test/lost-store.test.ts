import { cp, rm } from 'node:fs/promises'
import { apiKeyProjection, connectionProjection } from '@sluice/contracts'
import { type Bus, connectBus, openBucket } from '@sluice/messaging'
import { hashAccessToken } from '@sluice/service-kit'
import { eventually, type TestDatabase, type TestNats, testDatabase, testNats } from '@sluice/testkit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openAiConnection, startConnections, type TestConnections } from './support/start-connections.ts'

let nats: TestNats
let database: TestDatabase
let bus: Bus
let service: TestConnections

beforeEach(async () => {
  ;[nats, database] = await Promise.all([testNats(), testDatabase('connections')])
  service = await startConnections({ natsUrl: nats.url, databaseUrl: database.url })
  bus = await connectBus({ servers: nats.url, name: 'test', jetstreamTimeoutMs: 1_000 })
})
afterEach(async () => {
  await bus.close()
  await service.stop()
  await Promise.all([nats.stop(), database.drop()])
})

/** The keys that one who follows both buckets knows. */
async function follow(): Promise<Set<string>> {
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

async function create(name: string): Promise<{ hash: string; key: string; connection: string }> {
  const { body: key } = await service.call('POST', '/api/v1/api-keys', { name, connections: '*' })
  const { body: connection } = await service.call('POST', '/api/v1/connections', { ...openAiConnection, name })
  return { hash: hashAccessToken(key.key), key: key.id, connection: connection.id }
}

async function remove({ key, connection }: { readonly key: string; readonly connection: string }): Promise<void> {
  expect((await service.call('DELETE', `/api/v1/api-keys/${key}`)).status).toBe(204)
  expect((await service.call('DELETE', `/api/v1/connections/${connection}`)).status).toBe(204)
}

const within = { timeoutMs: 30_000 }

it.each(['is empty', 'is an older copy'])(
  'what is deleted while NATS is away is known no more when its store %s afterwards',
  async (store) => {
    const known = await follow()
    const kept = await create('kept')
    await eventually(() => expect([...known].sort()).toEqual([kept.hash, kept.connection].sort()))
    const copy = `${nats.dataDir}-copy`
    await nats.halt()
    await cp(nats.dataDir, copy, { recursive: true })
    await nats.restart()
    const deleted = await create('deleted')
    await eventually(() => expect(known).toContain(deleted.connection), within)
    await eventually(() => expect(known).toContain(deleted.hash), within)
    await nats.halt()
    await rm(nats.dataDir, { recursive: true })
    if (store === 'is an older copy') await cp(copy, nats.dataDir, { recursive: true })
    await remove(deleted)
    await nats.restart()
    await eventually(() => expect([...known].sort()).toEqual([kept.hash, kept.connection].sort()), within)
    await rm(copy, { recursive: true })
  },
  60_000,
)

it('forgets what was deleted while the streams of the buckets were missing', async () => {
  const known = await follow()
  const kept = await create('kept')
  const deleted = await create('deleted')
  await eventually(() => expect(known.size).toBe(4))
  for (const bucket of ['api-keys', 'connections']) await bus.jetstreamManager.streams.delete(`KV_${bucket}`)
  await remove(deleted)
  await eventually(() => expect([...known].sort()).toEqual([kept.hash, kept.connection].sort()), within)
}, 60_000)

it('what was deleted before the store was lost is known no more to one who was away', async () => {
  const known = await follow()
  const kept = await create('kept')
  const deleted = await create('deleted')
  await eventually(() => expect(known.size).toBe(4))
  // What follows hears nothing of the deletion, nor that there was a marker.
  const { streams, consumers } = bus.jetstreamManager
  for (const bucket of ['api-keys', 'connections']) {
    for await (const { name, config } of consumers.list(`KV_${bucket}`)) {
      if (config.deliver_subject?.startsWith('_INBOX') === true) await consumers.delete(`KV_${bucket}`, name)
    }
  }
  await remove(deleted)
  await eventually(async () => {
    const bucket = await openBucket(bus, connectionProjection)
    expect((await bucket.get(deleted.connection)).value).toBeUndefined()
  })
  for (const bucket of ['api-keys', 'connections']) await streams.delete(`KV_${bucket}`)
  await eventually(() => expect([...known].sort()).toEqual([kept.hash, kept.connection].sort()), {
    timeoutMs: 70_000,
  })
}, 90_000)
