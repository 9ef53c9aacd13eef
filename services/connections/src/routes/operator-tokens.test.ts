import { CreatedOperatorToken, validate } from '@sluice/contracts'
import { hashAccessToken, isAccessToken } from '@sluice/service-kit'
import { type TestDatabase, type TestNats, testDatabase, testNats } from '@sluice/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type TestAccess, testAccess } from '../testing/access.ts'
import { startConnections, type TestConnections } from '../testing/start-connections.ts'

let nats: TestNats
let database: TestDatabase
let connections: TestConnections
let access: TestAccess

beforeAll(async () => {
  ;[nats, database] = await Promise.all([testNats(), testDatabase()])
  connections = await startConnections({ natsUrl: nats.url, databaseUrl: database.url })
  access = testAccess(connections, database.url)
})
afterAll(async () => {
  await connections.stop()
  await Promise.all([nats.stop(), database.drop()])
})

const PATH = '/api/v1/operator-tokens'
const as = (token: string) => ({ authorization: `Bearer ${token}` })

it('shows a token once, and stores its hash only', async () => {
  const expiresAt = new Date(Date.now() + 60_000).toISOString()
  const created = await connections.ask('POST', PATH, { name: 'ci', role: 'viewer', expiresAt })
  expect(created.status).toBe(201)
  expect(validate(CreatedOperatorToken, created.body).valid).toBe(true)
  const { token, ...view } = created.body
  expect(isAccessToken(token, 'slo')).toBe(true)
  expect(view).toMatchObject({ name: 'ci', role: 'viewer', expiresAt })
  const listed = await connections.ask('GET', PATH)
  expect(listed.body.items).toContainEqual(view)
  const rows = await access.sql('select * from connections.operator_tokens where id = $1', [view.id])
  expect(rows).toMatchObject([{ hash: hashAccessToken(token) }])
  expect(JSON.stringify([rows, listed.body])).not.toContain(token)
})

it.each([
  ['nothing', {}, ['name', 'role']],
  ['another role', { name: 'x', role: 'owner' }, ['role']],
  ['the past', { name: 'x', role: 'admin', expiresAt: '2020-01-01T00:00:00Z' }, ['expiresAt']],
  ['a NUL in the name', { name: 'x\u0000', role: 'admin' }, ['name']],
  ['what it does not know', { name: 'x', role: 'admin', token: 'mine' }, ['token']],
])('refuses %s', async (_, body, fields) => {
  const answer = await connections.ask('POST', PATH, body)
  expect(answer.status).toBe(400)
  expect(answer.body.errors.map(({ field }: { field: string }) => field)).toEqual(fields)
})

it('revokes a token at once', async () => {
  const { id, token } = await access.token('admin')
  expect((await connections.ask('GET', PATH, undefined, as(token))).status).toBe(200)
  expect((await connections.ask('DELETE', `${PATH}/${id}`)).status).toBe(204)
  expect((await connections.ask('GET', PATH, undefined, as(token))).status).toBe(401)
  expect((await connections.ask('DELETE', `${PATH}/${id}`)).status).toBe(404)
  expect((await connections.ask('DELETE', `${PATH}/none`)).status).toBe(404)
})

it('takes no token that has expired', async () => {
  const { id, token } = await access.token('admin')
  await access.sql(`update connections.operator_tokens set expires_at = now() - interval '1 s' where id = $1`, [id])
  expect((await connections.ask('GET', PATH, undefined, as(token))).status).toBe(401)
})

it('tells when a token was used last, written at most once a minute', async () => {
  const { id, token } = await access.token('viewer')
  const lastUsedAt = async () => {
    const { body } = await connections.ask('GET', PATH)
    return body.items.find((item: { id: string }) => item.id === id).lastUsedAt
  }
  expect(await lastUsedAt()).toBeUndefined()
  await connections.ask('GET', PATH, undefined, as(token))
  const first = await lastUsedAt()
  expect(Math.abs(Date.parse(first) - Date.now())).toBeLessThan(10_000)
  await connections.ask('GET', PATH, undefined, as(token))
  expect(await lastUsedAt()).toBe(first)
  const minuteAgo = `update connections.operator_tokens set last_used_at = now() - interval '61 s' where id = $1`
  await access.sql(minuteAgo, [id])
  await connections.ask('GET', PATH, undefined, as(token))
  expect(Date.parse(await lastUsedAt())).toBeGreaterThanOrEqual(Date.parse(first))
})

it('never removes the last token of an admin that is good, whoever asks at the same time', async () => {
  const others = await Promise.all([access.token('admin'), access.token('admin'), access.token('admin')])
  const expired = await access.token('admin')
  const past = `update connections.operator_tokens set expires_at = now() - interval '1 s' where id = $1`
  await access.sql(past, [expired.id])
  await access.token('viewer')
  const { body } = await connections.ask('GET', PATH)
  const admins: { id: string }[] = body.items.filter(
    ({ role, expiresAt }: { role: string; expiresAt?: string }) => role === 'admin' && expiresAt === undefined,
  )
  const remover = others[0]?.token ?? ''
  const statuses = await Promise.all(
    admins.map(async ({ id }) => (await connections.ask('DELETE', `${PATH}/${id}`, undefined, as(remover))).status),
  )
  const rows = await access.sql(
    `select name from connections.operator_tokens where role = 'admin' and expires_at is null`,
  )
  expect(rows).toHaveLength(1)
  // One could not go, or its remover had lost its own token before.
  expect(statuses.filter((status) => status === 204)).toHaveLength(admins.length - 1)
  for (const status of statuses) expect([204, 401, 409]).toContain(status)
})
