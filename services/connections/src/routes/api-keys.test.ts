import { CreatedApiKey, validate } from '@sluice/contracts'
import { hashAccessToken, isAccessToken } from '@sluice/service-kit'
import { type TestDatabase, type TestNats, testDatabase, testNats } from '@sluice/testkit'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openAiConnection, startConnections, type TestConnections } from '../testing/start-connections.ts'

let nats: TestNats
let database: TestDatabase
let connections: TestConnections
let sql: pg.Client

beforeAll(async () => {
  ;[nats, database] = await Promise.all([testNats(), testDatabase()])
  connections = await startConnections({ natsUrl: nats.url, databaseUrl: database.url })
  sql = new pg.Client({ connectionString: database.url })
  await sql.connect()
})
afterAll(async () => {
  await connections.stop()
  await sql.end()
  await Promise.all([nats.stop(), database.drop()])
})

const create = (body: unknown) => connections.ask('POST', '/api/v1/api-keys', body)

it('shows a key once, and stores its hash only', async () => {
  const expiresAt = new Date(Date.now() + 60_000).toISOString()
  const created = await create({ name: 'app', connections: '*', expiresAt })
  expect(created.status).toBe(201)
  expect(validate(CreatedApiKey, created.body).valid).toBe(true)
  const { key, ...view } = created.body
  expect(isAccessToken(key, 'slc')).toBe(true)
  expect(view).toMatchObject({ name: 'app', connections: '*', expiresAt })
  const listed = await connections.ask('GET', '/api/v1/api-keys')
  expect(listed.body.items).toContainEqual(view)
  const { rows } = await sql.query('select * from connections.api_keys where id = $1', [view.id])
  expect(rows[0].hash).toBe(hashAccessToken(key))
  expect(JSON.stringify(rows) + JSON.stringify(listed.body)).not.toContain(key)
})

it('takes the connections that it may use', async () => {
  const connection = await connections.ask('POST', '/api/v1/connections', openAiConnection)
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
  ['no document', [], ['']],
])('refuses %s', async (_, body, fields) => {
  const answer = await create(body)
  expect(answer.status).toBe(400)
  expect(answer.body.errors.map(({ field }: { field: string }) => field)).toEqual(fields)
})

it('revokes a key, with an audit row', async () => {
  const { body } = await create({ name: 'to revoke', connections: '*' })
  expect((await connections.ask('DELETE', `/api/v1/api-keys/${body.id}`)).status).toBe(204)
  expect((await connections.ask('DELETE', `/api/v1/api-keys/${body.id}`)).status).toBe(404)
  expect((await connections.ask('DELETE', '/api/v1/api-keys/none')).status).toBe(404)
  const { rows } = await sql.query(
    'select actor, action from connections.audit_log where subject_id = $1 order by id',
    [body.id],
  )
  expect(rows).toEqual([
    { actor: 'operator:first', action: 'api-key.created' },
    { actor: 'operator:first', action: 'api-key.revoked' },
  ])
})
