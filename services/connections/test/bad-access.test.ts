import { request } from 'node:http'
import { createAccessToken } from '@sluice/service-kit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type StandaloneConnections, standaloneConnections } from './support/standalone-connections.ts'

let connections: StandaloneConnections

beforeAll(async () => {
  connections = await standaloneConnections()
})
afterAll(() => connections.stop())

/** Another character of the same kind, so that only the checksum is wrong. */
const flipped = (text: string) => text.slice(0, 10) + (text[10] === 'a' ? 'b' : 'a') + text.slice(11)

interface BadAccess {
  readonly what: string
  readonly headers: () => Promise<Record<string, string>>
  readonly status: number
  /** The audit log's line about it. */
  readonly audited?: string
  readonly method?: string
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const past = (table: string) => `update connections.${table} set expires_at = now() - interval '1 s' where`

const CASES: readonly BadAccess[] = [
  { what: 'no header', headers: async () => ({}), status: 401 },
  { what: 'an empty bearer', headers: async () => ({ authorization: 'Bearer ' }), status: 401 },
  { what: 'another scheme', headers: async () => ({ authorization: 'Basic YTpi' }), status: 401 },
  {
    what: 'a token with a flipped bit',
    headers: async () => bearer(flipped((await connections.access.token('admin')).token)),
    status: 401,
    audited: 'login.refused',
  },
  {
    what: 'a well-formed unknown token',
    headers: async () => bearer(createAccessToken('slo')),
    status: 401,
    audited: 'login.refused',
  },
  {
    what: 'an API key',
    headers: async () => {
      const { body } = await connections.call('POST', '/api/v1/api-keys', { name: 'app', connections: '*' })
      return bearer(body.key)
    },
    status: 401,
    audited: 'login.refused',
  },
  {
    what: 'what a session’s cookie holds, as a token',
    headers: async () => bearer((await connections.access.session(connections.operatorToken)).split('=')[1] ?? ''),
    status: 401,
    audited: 'login.refused',
  },
  {
    what: 'an expired token',
    headers: async () => {
      const { id, token } = await connections.access.token('admin')
      await connections.access.sql(`${past('operator_tokens')} id = $1`, [id])
      return bearer(token)
    },
    status: 401,
    audited: 'login.refused',
  },
  {
    what: 'a revoked token',
    headers: async () => {
      const { id, token } = await connections.access.token('admin')
      await connections.call('DELETE', `/api/v1/operator-tokens/${id}`)
      return bearer(token)
    },
    status: 401,
    audited: 'login.refused',
  },
  {
    what: 'a token of another role',
    method: 'DELETE',
    headers: async () => bearer((await connections.access.token('viewer')).token),
    status: 403,
    audited: 'request.refused',
  },
  {
    what: 'a session of another role',
    method: 'DELETE',
    headers: async () => ({
      cookie: await connections.access.session((await connections.access.token('viewer')).token),
      'x-sluice-csrf': '1',
    }),
    status: 403,
    audited: 'request.refused',
  },
  {
    what: 'a session without the header on a change',
    method: 'DELETE',
    headers: async () => ({
      cookie: await connections.access.session((await connections.access.token('admin')).token),
    }),
    status: 403,
    audited: 'request.refused',
  },
  {
    what: 'a cookie with a flipped bit',
    headers: async () => {
      const [name = '', value = ''] = (await connections.access.session(connections.operatorToken)).split('=')
      return { cookie: `${name}=${flipped(value)}` }
    },
    status: 401,
    audited: 'session.refused',
  },
  {
    what: 'a well-formed unknown cookie',
    headers: async () => ({ cookie: `sluice_session=${createAccessToken('sls')}` }),
    status: 401,
    audited: 'session.refused',
  },
  {
    what: 'an operator token in the cookie',
    headers: async () => ({ cookie: `sluice_session=${connections.operatorToken}` }),
    status: 401,
    audited: 'session.refused',
  },
  {
    what: 'an expired session',
    headers: async () => {
      const { id, token } = await connections.access.token('admin')
      const cookie = await connections.access.session(token)
      await connections.access.sql(`${past('sessions')} operator_token_id = $1`, [id])
      return { cookie }
    },
    status: 401,
    audited: 'session.refused',
  },
  {
    what: 'a session whose token has expired',
    headers: async () => {
      const { id, token } = await connections.access.token('admin')
      const cookie = await connections.access.session(token)
      await connections.access.sql(`${past('operator_tokens')} id = $1`, [id])
      return { cookie }
    },
    status: 401,
    audited: 'session.refused',
  },
  {
    what: 'a session of a revoked token',
    headers: async () => {
      const { id, token } = await connections.access.token('admin')
      const cookie = await connections.access.session(token)
      await connections.call('DELETE', `/api/v1/operator-tokens/${id}`)
      return { cookie }
    },
    status: 401,
    audited: 'session.refused',
  },
]

const AUDITED = ['login.refused', 'session.refused', 'request.refused'] as const

async function counts(): Promise<Record<string, number>> {
  return Object.fromEntries(
    await Promise.all(
      AUDITED.map(async (action) => [action, (await connections.access.audited(action)).length] as const),
    ),
  )
}

describe('a request without sufficient access is refused, and audited where it matters', () => {
  it.each(CASES)('$what: $status', async ({ headers, status, audited, method = 'GET' }) => {
    const sent = await headers()
    const before = await counts()
    const response = await fetch(`${connections.adminUrl}/api/v1/api-keys${method === 'GET' ? '' : '/x'}`, {
      method,
      headers: sent,
    })
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ status, code: status === 401 ? 'unauthenticated' : 'forbidden' })
    const after = await counts()
    for (const action of AUDITED) {
      expect((after[action] ?? 0) - (before[action] ?? 0), action).toBe(action === audited ? 1 : 0)
    }
    const [secret = ''] = /sl[cos]_\w+/.exec(JSON.stringify(sent)) ?? []
    if (secret === '') return
    const written =
      JSON.stringify(await connections.access.sql('select a::text from connections.audit_log a')) + connections.logs()
    expect(written).not.toContain(secret)
  })
})

describe('an ambiguous path gets 400, whoever sends it', () => {
  it.each([
    '/api/v1/connections/..%2f..%2fapi-keys',
    '/api/v1/connections/..%5C..%5Capi-keys',
    '/api/v1/connections/%2e%2e/api-keys',
    '/api/v1/connections/../api-keys',
    '/api/v1/connections/./api-keys',
    '/api/v1/connections/..',
    '/api/v1/connections/x\\..\\y',
    '/api/v1/connections/%00',
    '/api/v1/connections/x%0d%0aset-cookie:a',
    '/api/v1/connections/%252e%252e%252f',
    '/api/v1/api-keys/a%2Fb',
    '/..%2fhealthz',
  ])('%s', async (path) => {
    for (const headers of [{}, bearer(connections.operatorToken)]) {
      const { status, body } = await raw(path, headers)
      expect(status).toBe(400)
      expect(JSON.parse(body)).toMatchObject({ status: 400, code: 'invalid_request' })
    }
  })

  it('reads every other path as it is', async () => {
    const { status } = await raw('/api/v1/connections?search=..%2f%00x', bearer(connections.operatorToken))
    expect(status).toBe(200)
    expect((await raw('/api/v1/connections/...', bearer(connections.operatorToken))).status).toBe(404)
  })
})

/** Sends the path as it is: `fetch` would resolve it first. */
function raw(path: string, headers: Record<string, string>): Promise<{ status: number; body: string }> {
  const { hostname, port } = new URL(connections.adminUrl)
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, headers }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    sent.on('error', reject)
    sent.end()
  })
}
