import { CreatedOperatorToken, validate } from '@sluice/contracts'
import { hashAccessToken, isAccessToken } from '@sluice/service-kit'
import { eventually } from '@sluice/testkit'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type StandaloneConnections, standaloneConnections } from './support/standalone-connections.ts'

let connections: StandaloneConnections

beforeAll(async () => {
  connections = await standaloneConnections()
})
afterAll(() => connections.stop())

const PATH = '/api/v1/operator-tokens'
const as = (token: string) => ({ authorization: `Bearer ${token}` })

it('shows a token once, and stores its hash only', async () => {
  const expiresAt = new Date(Date.now() + 60_000).toISOString()
  const created = await connections.call('POST', PATH, { name: 'ci', role: 'viewer', expiresAt })
  expect(created.status).toBe(201)
  expect(validate(CreatedOperatorToken, created.body).valid).toBe(true)
  const { token, ...view } = created.body
  expect(isAccessToken(token, 'slo')).toBe(true)
  expect(view).toMatchObject({ name: 'ci', role: 'viewer', expiresAt })
  const listed = await connections.call('GET', PATH)
  expect(listed.body.items).toContainEqual(view)
  const rows = await connections.access.sql('select * from connections.operator_tokens where id = $1', [view.id])
  expect(rows).toMatchObject([{ hash: hashAccessToken(token) }])
  expect(JSON.stringify([rows, listed.body])).not.toContain(token)
})

it.each([
  ['nothing', {}, ['name', 'role']],
  ['another role', { name: 'x', role: 'owner' }, ['role']],
  ['the past', { name: 'x', role: 'admin', expiresAt: '2020-01-01T00:00:00Z' }, ['expiresAt']],
  ['a NUL in the name', { name: 'x\u0000', role: 'admin' }, ['name']],
  ['a second line in the name', { name: 'x\nadmin', role: 'admin' }, ['name']],
  ['what it does not know', { name: 'x', role: 'admin', token: 'mine' }, ['token']],
])('refuses %s', async (_, body, fields) => {
  const response = await connections.call('POST', PATH, body)
  expect(response.status).toBe(400)
  expect(response.body.errors.map(({ field }: { field: string }) => field)).toEqual(fields)
})

it('revokes a token at once', async () => {
  const { id, token } = await connections.access.token('admin')
  expect((await connections.call('GET', PATH, undefined, as(token))).status).toBe(200)
  expect((await connections.call('DELETE', `${PATH}/${id}`)).status).toBe(204)
  expect((await connections.call('GET', PATH, undefined, as(token))).status).toBe(401)
  expect((await connections.call('DELETE', `${PATH}/${id}`)).status).toBe(404)
  expect((await connections.call('DELETE', `${PATH}/none`)).status).toBe(404)
})

it('takes no token that has expired', async () => {
  const { id, token } = await connections.access.token('admin')
  await connections.access.sql(
    `update connections.operator_tokens set expires_at = now() - interval '1 s' where id = $1`,
    [id],
  )
  expect((await connections.call('GET', PATH, undefined, as(token))).status).toBe(401)
})

it('shows when a token was last used, written at most once a minute', async () => {
  const { id, token } = await connections.access.token('viewer')
  const lastUsedAt = async () => {
    const { body } = await connections.call('GET', PATH)
    return body.items.find((item: { id: string }) => item.id === id).lastUsedAt
  }
  expect(await lastUsedAt()).toBeUndefined()
  await connections.call('GET', PATH, undefined, as(token))
  const first = await lastUsedAt()
  expect(Math.abs(Date.parse(first) - Date.now())).toBeLessThan(10_000)
  await connections.call('GET', PATH, undefined, as(token))
  expect(await lastUsedAt()).toBe(first)
  const minuteAgo = `update connections.operator_tokens set last_used_at = now() - interval '61 s' where id = $1`
  await connections.access.sql(minuteAgo, [id])
  await connections.call('GET', PATH, undefined, as(token))
  expect(Date.parse(await lastUsedAt())).toBeGreaterThanOrEqual(Date.parse(first))
})

describe('the last token of an admin that is good', () => {
  /** The ids of the first operator's token and of another admin's, when there are no more. */
  async function onlyTwoAdmins(): Promise<{ first: string; other: string }> {
    const { id: other } = await connections.access.token('admin')
    const { body } = await connections.call('GET', '/api/v1/session')
    const expire = `update connections.operator_tokens set expires_at = now() - interval '1 s' where id not in ($1, $2)`
    await connections.access.sql(expire, [body.tokenId, other])
    return { first: body.tokenId, other }
  }

  it('is not removed, though there are expired ones and viewers', async () => {
    const { first, other } = await onlyTwoAdmins()
    const viewer = await connections.access.token('viewer')
    expect((await connections.call('DELETE', `${PATH}/${other}`)).status).toBe(204)
    const refused = await connections.call('DELETE', `${PATH}/${first}`)
    expect(refused).toMatchObject({ status: 409, body: { code: 'last_admin_token' } })
    expect((await connections.call('DELETE', `${PATH}/${viewer.id}`)).status).toBe(204)
    expect((await connections.call('GET', PATH)).status).toBe(200)
  })

  it('is not removed by one who counts on a token that another one is removing', async () => {
    const { first, other } = await onlyTwoAdmins()
    const another = new pg.Client({ connectionString: connections.database.url })
    await another.connect()
    await another.query('begin')
    await another.query('delete from connections.operator_tokens where id = $1', [other])
    const removal = connections.call('DELETE', `${PATH}/${first}`)
    const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    await eventually(async () => expect(await connections.access.sql(waiting)).toHaveLength(1))
    await another.query('commit')
    await another.end()
    expect((await removal).status).toBe(409)
  })
})
