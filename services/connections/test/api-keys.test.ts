import { apiKeyProjection, CreatedApiKey, responses, validate } from '@sluice/contracts'
import { type Bus, connectBus, openBucket } from '@sluice/messaging'
import { hashAccessToken, isAccessToken } from '@sluice/service-kit'
import { eventually } from '@sluice/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type StandaloneConnections, standaloneConnections } from './support/standalone-connections.ts'
import { openAiConnection } from './support/start-connections.ts'

let connections: StandaloneConnections
let bus: Bus

beforeAll(async () => {
  connections = await standaloneConnections()
  bus = await connectBus({ servers: connections.nats.url, name: 'test' })
})
afterAll(async () => {
  await bus.close()
  await connections.stop()
})

const create = (body: unknown) => connections.call('POST', '/api/v1/api-keys', body)

it('shows a key once, and stores its hash only', async () => {
  const expiresAt = new Date(Date.now() + 60_000).toISOString()
  const created = await create({ name: 'app', connections: '*', expiresAt })
  expect(created.status).toBe(201)
  expect(validate(CreatedApiKey, created.body).valid).toBe(true)
  const { key, ...view } = created.body
  expect(isAccessToken(key, 'slc')).toBe(true)
  expect(view).toMatchObject({ name: 'app', connections: '*', expiresAt, hint: `…${key.slice(-4)}` })
  const listed = await connections.call('GET', '/api/v1/api-keys')
  expect(listed.body.items).toContainEqual(view)
  const rows = await connections.access.sql('select * from connections.api_keys where id = $1', [view.id])
  expect(rows).toMatchObject([{ hash: hashAccessToken(key) }])
  expect(JSON.stringify(rows) + JSON.stringify(listed.body)).not.toContain(key)
})

it('accepts the connections that a key may use', async () => {
  const connection = await connections.call('POST', '/api/v1/connections', openAiConnection)
  const scoped = await create({ name: 'scoped', connections: [connection.body.id] })
  expect(scoped.body.connections).toEqual([connection.body.id])
  const none = await create({ name: 'none', connections: [] })
  expect(none.body.connections).toEqual([])
  const wrong = await create({
    name: 'x',
    connections: [connection.body.id, connection.body.id.toUpperCase(), 'openai'],
  })
  expect(wrong.body.errors.map(({ field }: { field: string }) => field)).toEqual(['connections.1', 'connections.2'])
})

it.each([
  ['no name', { connections: '*' }, ['name']],
  [
    'everything wrong',
    { name: '', connections: 'all', expiresAt: 'tomorrow', role: 'x' },
    ['name', 'connections', 'expiresAt', 'role'],
  ],
  ['the past', { name: 'x', connections: '*', expiresAt: '2020-01-01T00:00:00Z' }, ['expiresAt']],
  ['a leap second', { name: 'x', connections: '*', expiresAt: '2100-12-31T23:59:60Z' }, ['expiresAt']],
  ['a NUL', { name: 'x\u0000', connections: ['\u0000'] }, ['name']],
  ['what a terminal obeys', { name: 'x\u001b[2J', connections: '*' }, ['name']],
  ['no document', [], ['']],
])('refuses %s', async (_, body, fields) => {
  const response = await create(body)
  expect(response.status).toBe(400)
  expect(response.body.errors.map(({ field }: { field: string }) => field)).toEqual(fields)
})

it('revokes a key, with an audit row', async () => {
  const { body } = await create({ name: 'to revoke', connections: '*' })
  expect((await connections.call('DELETE', `/api/v1/api-keys/${body.id}`)).status).toBe(204)
  expect((await connections.call('DELETE', `/api/v1/api-keys/${body.id}`)).status).toBe(404)
  expect((await connections.call('DELETE', '/api/v1/api-keys/none')).status).toBe(404)
  const rows = await connections.access.sql(
    'select actor, action from connections.audit_log where subject_id = $1 order by id',
    [body.id],
  )
  expect(rows).toEqual([
    { actor: 'operator:first', action: 'api-key.created' },
    { actor: 'operator:first', action: 'api-key.revoked' },
  ])
})

it('changes name, scope and expiry, and keeps the rest', async () => {
  const connection = await connections.call('POST', '/api/v1/connections', { ...openAiConnection, name: 'to-change' })
  const expiresAt = new Date(Date.now() + 60_000).toISOString()
  const { key, ...view } = (await create({ name: 'before', connections: '*', expiresAt })).body
  const change = (body: unknown) => connections.call('PATCH', `/api/v1/api-keys/${view.id}`, body)
  expect(await change({ name: 'after' })).toMatchObject({ status: 200, body: { ...view, name: 'after' } })
  const scoped = await change({ connections: [connection.body.id], expiresAt: null })
  const { expiresAt: _, ...rest } = view
  expect(scoped.body).toEqual({ ...rest, name: 'after', connections: [connection.body.id] })
  const bucket = await openBucket(bus, apiKeyProjection)
  await eventually(async () => {
    const { value } = await bucket.get(hashAccessToken(key))
    expect(value).toEqual({ id: view.id, name: 'after', connections: [connection.body.id] })
  })
})

it.each([
  ['an unknown connection', { connections: ['00000000-0000-7000-8000-000000000000'] }, ['connections.0']],
  ['the past', { expiresAt: '2020-01-01T00:00:00Z' }, ['expiresAt']],
  ['an empty name and a key of its own', { name: '', key: 'slc_x' }, ['name', 'key']],
])('refuses a change to %s', async (_, body, fields) => {
  const created = await create({ name: 'unchanged', connections: '*' })
  const response = await connections.call('PATCH', `/api/v1/api-keys/${created.body.id}`, body)
  expect(response.status).toBe(400)
  expect(response.body.errors.map(({ field }: { field: string }) => field)).toEqual(fields)
  for (const id of ['none', '00000000-0000-7000-8000-000000000000'])
    expect((await connections.call('PATCH', `/api/v1/api-keys/${id}`, { name: 'x' })).status).toBe(404)
})

it('keeps deleted connections in scopes, where they allow nothing', async () => {
  const connection = await connections.call('POST', '/api/v1/connections', { ...openAiConnection, name: 'to-delete' })
  const { body } = await create({ name: 'scoped', connections: [connection.body.id] })
  await connections.call('DELETE', `/api/v1/connections/${connection.body.id}`)
  const renamed = await connections.call('PATCH', `/api/v1/api-keys/${body.id}`, { name: 'still scoped' })
  expect(renamed).toMatchObject({ status: 200, body: { connections: [connection.body.id] } })
})

it('removes a revoked key at once from the bucket that gateways watch', async () => {
  const { body } = await create({ name: 'to revoke', connections: '*' })
  const bucket = await openBucket(bus, apiKeyProjection)
  const hash = hashAccessToken(body.key)
  await eventually(async () => expect((await bucket.get(hash)).value).toMatchObject({ id: body.id }))
  await connections.call('DELETE', `/api/v1/api-keys/${body.id}`)
  const isRemoved = async () => expect((await bucket.get(hash)).value).toBeUndefined()
  await eventually(isRemoved, { timeoutMs: 500 })
})

it('shows when a key was last used, as gateways report it', async () => {
  const { body } = await create({ name: 'used', connections: '*' })
  const startedAtMs = Date.now() - 5_000
  const event = {
    requestId: 'r',
    startedAtMs,
    endedAtMs: startedAtMs,
    apiKeyId: body.id,
    model: 'm',
    outcome: 'success',
  }
  const events = [{ ...event, startedAtMs: startedAtMs - 1 }, event, { ...event, apiKeyId: 'no key' }]
  const batch = { connectionId: 'c', provider: 'openai', gateway: 'g', batch: 1, events }
  bus.connection.publish(responses.subject('c'), 'no JSON')
  bus.connection.publish(responses.subject('c'), JSON.stringify(batch))
  await eventually(async () => {
    const { items } = (await connections.call('GET', '/api/v1/api-keys')).body
    const used = items.find(({ id }: { id: string }) => id === body.id)
    expect(used.lastUsedAt).toBe(new Date(startedAtMs).toISOString())
  })
})

it('neither changes nor audits a key for a PATCH that makes no difference', async () => {
  const expiresAt = new Date(Date.now() + 60_000).toISOString()
  const { id, key: _, ...view } = (await create({ name: 'same', connections: '*', expiresAt })).body
  for (const patch of [{}, { name: 'same' }, { connections: '*', expiresAt }]) {
    const { status, body } = await connections.call('PATCH', `/api/v1/api-keys/${id}`, patch)
    expect([status, body]).toEqual([200, { id, ...view }])
  }
  await connections.call('PATCH', `/api/v1/api-keys/${id}`, { name: 'other' })
  const { body } = await connections.call('GET', '/api/v1/audit-log')
  const actions = body.items.filter(({ subjectId }: { subjectId: string }) => subjectId === id)
  expect(actions.map(({ action }: { action: string }) => action)).toEqual(['api-key.updated', 'api-key.created'])
})
