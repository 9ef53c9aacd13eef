import { afterAll, beforeAll, expect, it } from 'vitest'
import { type StandaloneConnections, standaloneConnections } from './support/standalone-connections.ts'

let connections: StandaloneConnections

beforeAll(async () => {
  const env = { TRUSTED_PROXIES: '127.0.0.1' }
  connections = await standaloneConnections({ env })
})
afterAll(() => connections.stop())

/** Calls the admin API without an operator token. */
async function send(method: string, path: string, headers: Record<string, string> = {}, body?: unknown) {
  const response = await fetch(`${connections.adminUrl}/api/v1${path}`, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
}

it('starts with an operator token, returns the operator, and ends', async () => {
  const { id, token } = await connections.access.token('viewer', 'ann')
  const started = await send('POST', '/session', {}, { token })
  expect(started.status).toBe(201)
  expect(started.body).toEqual({ tokenId: id, name: 'ann', role: 'viewer', expiresAt: expect.any(String) })
  expect(Date.parse(started.body.expiresAt) - Date.now()).toBeGreaterThan(12 * 3_600_000 - 10_000)
  const setCookie = started.headers.get('set-cookie') ?? ''
  const [cookie = '', ...attributes] = setCookie.split('; ')
  expect(cookie).toMatch(/^sluice_session=sls_\w+$/)
  expect(attributes.toSorted()).toEqual(['HttpOnly', 'Max-Age=43200', 'Path=/api', 'SameSite=Strict'])
  expect(await send('GET', '/session', { cookie })).toMatchObject({ status: 200, body: started.body })
  expect((await send('GET', '/connections', { cookie })).status).toBe(200)
  const ended = await send('DELETE', '/session', { cookie, 'x-sluice-csrf': '1' })
  expect(ended.status).toBe(204)
  expect(ended.headers.get('set-cookie')).toMatch(/^sluice_session=; .*Max-Age=0/)
  expect((await send('GET', '/session', { cookie })).status).toBe(401)
  const [last] = await connections.access.audited('session.ended')
  expect(last).toMatchObject({ actor: 'session:ann', actorTokenId: id })
})

it('stores only the hash of the cookie’s value', async () => {
  const cookie = await connections.access.session(connections.operatorToken)
  const rows = await connections.access.sql('select s::text from connections.sessions s')
  expect(rows.length).toBeGreaterThan(0)
  expect(JSON.stringify(rows)).not.toContain(cookie.split('=')[1])
})

it('needs the CSRF header for a change, and not for reading', async () => {
  const { token } = await connections.access.token('admin', 'bob')
  const cookie = await connections.access.session(token)
  const key = { name: 'by session', connections: '*' }
  for (const headers of [{ cookie }, { cookie, 'x-sluice-csrf': '0' }]) {
    const refused = await send('POST', '/api-keys', headers, key)
    expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } })
  }
  expect((await send('DELETE', '/session', { cookie })).status).toBe(403)
  const created = await send('POST', '/api-keys', { cookie, 'x-sluice-csrf': '1' }, key)
  expect(created.status).toBe(201)
  const { body } = await connections.call('GET', `/api/v1/audit-log?subjectId=${created.body.id}`)
  expect(body.items).toMatchObject([{ actor: 'session:bob', action: 'api-key.created' }])
})

it('ends with its token', async () => {
  const { id, token } = await connections.access.token('admin')
  const cookie = await connections.access.session(token)
  expect((await send('GET', '/session', { cookie })).status).toBe(200)
  expect((await connections.call('DELETE', `/api/v1/operator-tokens/${id}`)).status).toBe(204)
  const response = await send('GET', '/session', { cookie })
  expect(response.status).toBe(401)
  expect(response.headers.get('set-cookie')).toMatch(/^sluice_session=; .*Max-Age=0/)
})

it('does not outlive a token that expires', async () => {
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
  const { body } = await connections.call('POST', '/api/v1/operator-tokens', { name: 'x', role: 'viewer', expiresAt })
  const started = await send('POST', '/session', {}, { token: body.token })
  expect(started.body.expiresAt).toBe(expiresAt)
  expect(started.headers.get('set-cookie')).toMatch(/Max-Age=3(600|59\d);/)
})

it('limits the cookie to TLS when a trusted proxy reports TLS', async () => {
  const started = await send('POST', '/session', { 'x-forwarded-proto': 'https' }, { token: connections.operatorToken })
  expect(started.headers.get('set-cookie')).toMatch(/; Secure(;|$)/)
})

it('returns the operator of a token, too', async () => {
  const { body } = await connections.call('GET', '/api/v1/session')
  expect(body).toMatchObject({ name: 'first', role: 'admin' })
  expect(body).not.toHaveProperty('expiresAt')
})

it('deletes ended sessions when another one starts', async () => {
  await connections.access.session(connections.operatorToken)
  await connections.access.sql(`update connections.sessions set expires_at = now() - interval '1 s'`)
  await connections.access.session(connections.operatorToken)
  expect(await connections.access.sql('select 1 from connections.sessions')).toHaveLength(1)
})

it.each([
  ['no token', {}, 400, 'invalid_request'],
  ['no text', { token: 1 }, 400, 'invalid_request'],
  ['a NUL', { token: '\u0000' }, 400, 'invalid_request'],
  ['an unknown token', { token: 'x' }, 401, 'unauthenticated'],
])('does not start a session with %s', async (_, body, status, code) => {
  expect(await send('POST', '/session', {}, body)).toMatchObject({ status, body: { code } })
})
