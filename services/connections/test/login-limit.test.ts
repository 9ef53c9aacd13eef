import { createAccessToken } from '@sluice/service-kit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type StandaloneConnections, standaloneConnections } from './support/standalone-connections.ts'
import { startConnections } from './support/start-connections.ts'

let connections: StandaloneConnections

beforeAll(async () => {
  const env = { TRUSTED_PROXIES: '127.0.0.1', LOGIN_FAILURES_PER_MINUTE: '10' }
  connections = await standaloneConnections({ env })
})
afterAll(() => connections.stop())

function login(address: string, token: string) {
  return fetch(`${connections.adminUrl}/api/v1/session`, {
    method: 'POST',
    headers: { 'x-forwarded-for': address, 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  })
}

function read(address: string, token: string) {
  const headers = { 'x-forwarded-for': address, authorization: `Bearer ${token}` }
  return fetch(`${connections.adminUrl}/api/v1/connections`, { headers })
}

it.each([
  ['logins', '192.0.2.1', login],
  ['tokens', '192.0.2.2', read],
])('checks 10 of 50 concurrent invalid %s from one address, and audits those', async (_, address, attempt) => {
  const wrong = await Promise.all(Array.from({ length: 50 }, () => attempt(address, createAccessToken('slo'))))
  expect(wrong.filter(({ status }) => status === 401)).toHaveLength(10)
  const limited = wrong.filter(({ status }) => status === 429)
  expect(limited).toHaveLength(40)
  for (const response of limited) {
    const retryAfterSeconds = Number(response.headers.get('retry-after'))
    expect(retryAfterSeconds).toBeGreaterThan(0)
    expect(retryAfterSeconds).toBeLessThanOrEqual(6)
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(await response.json()).toMatchObject({ status: 429, code: 'rate_limited' })
  }
  expect((await attempt(address, connections.operatorToken)).status).toBe(429)
  const refused = await connections.access.audited('login.refused')
  expect(refused.filter(({ actor }) => actor === `address:${address}`)).toHaveLength(10)
})

it('does not limit other addresses', async () => {
  await Promise.all(Array.from({ length: 20 }, () => login('192.0.2.3', 'wrong')))
  expect((await login('192.0.2.4', connections.operatorToken)).status).toBe(201)
  expect((await read('192.0.2.4', connections.operatorToken)).status).toBe(200)
})

it('accepts sessions from an address with too many failures', async () => {
  const cookie = await connections.access.session(connections.operatorToken)
  await Promise.all(Array.from({ length: 20 }, () => read('192.0.2.5', 'wrong')))
  const headers = { 'x-forwarded-for': '192.0.2.5', cookie }
  expect((await fetch(`${connections.adminUrl}/api/v1/session`, { headers })).status).toBe(200)
})

it('does not count valid tokens', async () => {
  for (let i = 0; i < 30; i++) expect((await read('192.0.2.6', connections.operatorToken)).status).toBe(200)
})

it('counts the addresses of one IPv6 network as one', async () => {
  const wrong = await Promise.all(Array.from({ length: 30 }, (_, i) => read(`2001:db8::${i + 1}`, 'wrong')))
  expect(wrong.filter(({ status }) => status === 401)).toHaveLength(10)
})

it.each([
  ['with a port', (i: number) => `192.0.2.7:${10_000 + i}`],
  ['mapped into IPv6', (i: number) => `[::ffff:192.0.2.8]:${10_000 + i}`],
  ['of one IPv6 network with a port', (i: number) => `[2001:db8:1::${i + 1}]:${10_000 + i}`],
  ['that is none', (i: number) => `unknown-${i}`],
])('counts an address %s as one, however it is written', async (_, address) => {
  const wrong = await Promise.all(Array.from({ length: 30 }, (_each, i) => read(address(i), 'wrong')))
  expect(wrong.filter(({ status }) => status === 401)).toHaveLength(10)
})

it('ignores forwarded addresses without a trusted proxy', async () => {
  const direct = await startConnections({
    natsUrl: connections.nats.url,
    databaseUrl: connections.database.url,
    operatorToken: connections.operatorToken,
    env: { LOGIN_FAILURES_PER_MINUTE: '10' },
  })
  const statuses = await Promise.all(
    Array.from({ length: 30 }, async (_, i) => {
      const headers = { 'x-forwarded-for': `198.51.100.${i}`, authorization: 'Bearer wrong' }
      return (await fetch(`${direct.adminUrl}/api/v1/connections`, { headers })).status
    }),
  )
  await direct.stop()
  expect(statuses.filter((status) => status === 401)).toHaveLength(10)
})
