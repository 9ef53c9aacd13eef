import { randomUUID } from 'node:crypto'
import {
  ConnectionView,
  connectionProjection,
  type DiscoveredLimit,
  listDiscovered,
  type ReplyOf,
  refreshDiscovered,
  SluiceError,
  validate,
} from '@sluice/contracts'
import { type Bus, connectBus, openBucket, serve } from '@sluice/messaging'
import { eventually } from '@sluice/testkit'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type StandaloneConnections, standaloneConnections } from './support/standalone-connections.ts'
import { openAiConnection } from './support/start-connections.ts'

let connections: StandaloneConnections
let bus: Bus
let discovered: DiscoveredLimit[]
let id: string
let path: string
let refresh: (connectionId: string) => ReplyOf<typeof refreshDiscovered>
let names = 0

const MINUTE_REQUESTS: DiscoveredLimit = {
  model: 'gpt-4o',
  dimension: 'requests',
  limit: 60,
  periodMs: 60_000,
  firstSeenAtMs: 1,
  lastSeenAtMs: 2,
  changes: 0,
}

beforeAll(async () => {
  connections = await standaloneConnections()
  bus = await connectBus({ servers: connections.nats.url, name: 'test' })
  serve(bus, listDiscovered, ({ connectionId }) => ({ items: connectionId === id ? discovered : [] }), {
    onFault: () => undefined,
  })
  serve(bus, refreshDiscovered, ({ connectionId }) => refresh(connectionId), { onFault: () => undefined })
  await bus.connection.flush()
})
afterAll(async () => {
  await bus.close()
  await connections.stop()
})
beforeEach(async () => {
  discovered = [MINUTE_REQUESTS, { ...MINUTE_REQUESTS, model: 'gpt-4o-mini', limit: 500 }]
  const document = { ...openAiConnection, name: `discovered-${++names}` }
  id = (await connections.call('POST', '/api/v1/connections', document)).body.id
  path = `/api/v1/connections/${id}/discovered-capacity`
})

const apply = (body?: unknown, headers?: Record<string, string>) =>
  connections.call('POST', `${path}/apply`, body, headers)

it('lists the discovered limits, and where the configured ones are higher', async () => {
  expect((await connections.call('GET', path)).body).toEqual({
    items: discovered,
    drift: [{ model: 'gpt-4o', dimension: 'requests', period: 'minute', configured: 100, discovered: 60 }],
  })
})

it('makes the smallest limits over the models the configured capacity, with an audit entry', async () => {
  const { status, body, headers } = await apply()
  expect(status).toBe(200)
  expect(validate(ConnectionView, body).valid).toBe(true)
  expect(body).toMatchObject({ version: 2, capacity: [{ period: 'minute', requests: 60, tokens: 100_000 }] })
  expect(headers.get('etag')).toBe('"2"')
  expect((await connections.call('GET', path)).body.drift).toEqual([])
  const { body: log } = await connections.call('GET', `/api/v1/connections/${id}/activity`)
  expect(log.items[0]).toMatchObject({
    action: 'connection.updated',
    changes: [
      {
        field: 'capacity',
        before: [{ period: 'minute', requests: 100, tokens: 100_000 }],
        after: [{ period: 'minute', requests: 60, tokens: 100_000 }],
      },
    ],
  })
})

it('applies the limits of one model if it is named', async () => {
  const { body } = await apply({ model: 'gpt-4o-mini' })
  expect(body.capacity).toEqual([{ period: 'minute', requests: 500, tokens: 100_000 }])
})

it('changes nothing for another version, or if no discovered limit has a known period', async () => {
  expect(await apply(undefined, { 'if-match': '"7"' })).toMatchObject({ status: 412 })
  expect(await apply({ model: 'other' })).toMatchObject({ status: 409, body: { code: 'nothing_discovered' } })
  const { periodMs: _, ...unknown } = MINUTE_REQUESTS
  discovered = [unknown]
  expect(await apply()).toMatchObject({ status: 409, body: { code: 'nothing_discovered' } })
  expect(await apply({ modell: 'gpt-4o' })).toMatchObject({ status: 400, body: { errors: [{ field: 'modell' }] } })
  expect((await connections.call('GET', `/api/v1/connections/${id}`)).body.version).toBe(1)
})

it('reads the limits from the provider on request', async () => {
  const reply = { quotas: 3, changes: 1, unknownModels: 1, unreadable: 0 }
  const requestedIds: string[] = []
  refresh = (connectionId) => {
    requestedIds.push(connectionId)
    return reply
  }
  expect(await connections.call('POST', `${path}/refresh`)).toMatchObject({ status: 200, body: reply })
  const unknown = `/api/v1/connections/${randomUUID()}/discovered-capacity/refresh`
  expect(await connections.call('POST', unknown)).toMatchObject({ status: 404 })
  expect(requestedIds).toEqual([id])
})

it.each([
  ['invalid_request', 400],
  ['forbidden', 403],
  ['rate_limited', 429],
  ['upstream_unreachable', 502],
  ['unavailable', 503],
] as const)('passes on why they cannot be read: %s', async (code, status) => {
  refresh = () => {
    throw new SluiceError(code, 'in words')
  }
  const response = await connections.call('POST', `${path}/refresh`)
  expect(response).toMatchObject({ status, body: { code, detail: 'in words' } })
})

it('projects whether discovered limits are enforced', async () => {
  const bucket = await openBucket(bus, connectionProjection)
  await eventually(async () => expect((await bucket.get(id)).value).toMatchObject({ enforceDiscovered: false }))
  const changed = await connections.call('PATCH', `/api/v1/connections/${id}`, { enforceDiscovered: true })
  expect(changed.body.enforceDiscovered).toBe(true)
  await eventually(async () => expect((await bucket.get(id)).value).toMatchObject({ enforceDiscovered: true }))
})
