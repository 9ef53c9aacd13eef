import {
  apiKeyProjection,
  capacityMembers,
  capacityRecords,
  credential,
  responses,
  usageQuery,
} from '@sluice/contracts'
import { type DeployedNats, deployedNats, eventually } from '@sluice/testkit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openBucket } from '../src/bucket.ts'
import { type Bus, connectBus } from '../src/bus.ts'
import { NotPermittedError } from '../src/errors.ts'
import { request } from '../src/request.ts'
import { serve } from '../src/serve.ts'
import { awaitStream, ensureStream, publishToStream } from '../src/stream.ts'

let nats: DeployedNats
const buses: Bus[] = []

beforeEach(async () => {
  nats = await deployedNats()
})
afterEach(async () => {
  for (const bus of buses.splice(0)) await bus.close()
  await nats.stop()
})

const apiKey = { id: 'k', name: 'app', connections: '*' as const }

async function as(user: keyof DeployedNats['passwords']): Promise<Bus> {
  const bus = await connectBus({ servers: nats.url, name: user, user, password: nats.passwords[user] })
  buses.push(bus)
  return bus
}

it('opens a bucket that it may not make once its owner has made it, and follows what that writes', async () => {
  const gateway = await as('gateway')
  let isOpen = false
  const opening = openBucket(gateway, apiKeyProjection).finally(() => {
    isOpen = true
  })
  // Answered after what opening the bucket wanted: by now the server has refused to make it.
  await expect(openBucket(gateway, capacityRecords)).rejects.toMatchObject({ code: 'PERMISSIONS_VIOLATION' })
  expect(isOpen).toBe(false)
  const written = await openBucket(await as('connections'), apiKeyProjection)
  const read = await opening
  const seen: unknown[] = []
  const watch = await read.watch({ onEntry: ({ value }) => seen.push(value), onFault: (error) => seen.push(error) })
  await written.put('k', apiKey)
  await eventually(() => expect(seen).toEqual([apiKey]))
  watch.stop()
})

it('watches more than the server sends without a sign that it is taken', async () => {
  const written = await openBucket(await as('connections'), apiKeyProjection)
  const keys = Array.from({ length: 400 }, (_, index) => `key-${index}`)
  await Promise.all(keys.map((key) => written.put(key, { ...apiKey, name: key.padEnd(10_000, '.') })))
  const seen = new Set<string>()
  const read = await openBucket(await as('gateway'), apiKeyProjection)
  const watch = await read.watch({ onEntry: ({ key }) => seen.add(key), onFault: (error) => seen.add(String(error)) })
  expect([...seen].toSorted()).toEqual(keys.toSorted())
  watch.stop()
})

it('takes a stream of another’s as its owner has made it, and publishes to it', async () => {
  const gateway = await as('gateway')
  const usage = await as('usage')
  const waiting = Promise.all([
    ensureStream(gateway, { ...responses, maxAgeMs: 1_000_000 }),
    awaitStream(usage, responses),
  ])
  const discovery = await as('discovery')
  await ensureStream(discovery, responses)
  await waiting
  const { config } = await discovery.jetstreamManager.streams.info(responses.name)
  expect(config.max_age).toBe(responses.maxAgeMs * 1e6)
  const batch = { gateway: 'g', batch: 1, connectionId: 'c', provider: 'openai' as const, events: [] }
  await publishToStream(gateway, responses, ['c'], batch, 'g-1')
})

it('takes its own stream as it stands, too, where that was made with other settings', async () => {
  const discovery = await as('discovery')
  await ensureStream(discovery, responses)
  await ensureStream(discovery, { ...responses, maxAgeMs: 1_000_000 })
  const { config } = await discovery.jetstreamManager.streams.info(responses.name)
  expect(config.max_age).toBe(responses.maxAgeMs * 1e6)
})

it('replies to requests of another user into an inbox that is that user’s alone', async () => {
  const usage = await as('usage')
  const faults: unknown[] = []
  serve(usage, usageQuery, () => ({ stepMs: 60_000, points: [] }), { onFault: (error) => faults.push(error) })
  await usage.connection.flush()
  const query = { connectionId: 'c', fromMs: 0, toMs: 60_000, stepMs: 60_000 }
  expect(await request(await as('connections'), usageQuery, [], query)).toEqual({ stepMs: 60_000, points: [] })
  expect(faults).toEqual([])
})

it('says at once that a request is not permitted, and that a message is not', async () => {
  const [usage, gateway] = [await as('usage'), await as('gateway')]
  const wanted = { connectionId: 'c', version: 1, publicKey: 'A'.repeat(43) }
  await expect(request(usage, credential, [], wanted)).rejects.toBeInstanceOf(NotPermittedError)
  await openBucket(await as('connections'), apiKeyProjection)
  const keys = await openBucket(gateway, apiKeyProjection)
  await expect(keys.put('k', apiKey)).rejects.toBeInstanceOf(NotPermittedError)
  await expect(openBucket(usage, capacityMembers)).rejects.toMatchObject({ code: 'PERMISSIONS_VIOLATION' })
})
