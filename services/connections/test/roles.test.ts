import { afterAll, beforeAll, expect, it } from 'vitest'
import { type StandaloneConnections, standaloneConnections } from './support/standalone-connections.ts'
import { openAiConnection } from './support/start-connections.ts'

let connections: StandaloneConnections

beforeAll(async () => {
  connections = await standaloneConnections()
})
afterAll(() => connections.stop())

/** What is documented, and is for viewers though it is no GET: everybody may begin and end a session of their own. */
const OPEN = new Set(['post /api/v1/session', 'delete /api/v1/session'])

async function documentedRoutes(): Promise<{ method: string; path: string }[]> {
  const { body } = await connections.call('GET', '/api/v1/openapi.json')
  return Object.entries(body.paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method, path })),
  )
}

it('refuses a viewer every documented route but GET, with audit entries', async () => {
  const { id: tokenId, token } = await connections.access.token('viewer', 'looker')
  const { body: connection } = await connections.call('POST', '/api/v1/connections', openAiConnection)
  const routes = (await documentedRoutes()).filter(
    ({ method, path }) => method !== 'get' && !OPEN.has(`${method} ${path}`),
  )
  expect(routes.length).toBeGreaterThan(8)
  for (const { method, path } of routes) {
    const url = path.replace('{id}', connection.id)
    // Without a body: a missing permission is reported before anything else is checked.
    const response = await connections.call(method.toUpperCase(), url, undefined, { authorization: `Bearer ${token}` })
    expect(response, `${method} ${path}`).toMatchObject({ status: 403, body: { status: 403, code: 'forbidden' } })
  }
  const refused = await connections.access.audited('request.refused')
  expect(
    refused.map(({ details }) => `${details?.method} ${details?.route?.replaceAll(/:(\w+)/g, '{$1}')}`).toSorted(),
  ).toEqual(routes.map(({ method, path }) => `${method.toUpperCase()} ${path}`).toSorted())
  expect(refused[0]).toMatchObject({ actor: 'operator:looker', actorTokenId: tokenId })
  expect((await connections.call('GET', `/api/v1/connections/${connection.id}`)).body).toEqual(connection)
})

it('lets a viewer read everything, without secrets', async () => {
  const { token } = await connections.access.token('viewer')
  const authorization = `Bearer ${token}`
  const { body: key } = await connections.call('POST', '/api/v1/api-keys', { name: 'app', connections: '*' })
  const { body } = await connections.call('GET', '/api/v1/connections')
  const reads = (await documentedRoutes()).filter(({ method, path }) => method === 'get' && !path.endsWith('/stream'))
  expect(reads.length).toBeGreaterThan(8)
  let responses = ''
  for (const { path } of reads) {
    const url = path.replace('{id}', body.items[0].id)
    const response = await connections.call('GET', url, undefined, { authorization })
    expect([401, 403], path).not.toContain(response.status)
    responses += JSON.stringify(response.body)
  }
  expect(responses).toContain('…')
  for (const secret of [key.key, token, connections.operatorToken, openAiConnection.config.apiKey]) {
    expect(responses).not.toContain(secret)
  }
})

it('gives an unauthenticated client nothing but the sign-in', async () => {
  for (const { method, path } of await documentedRoutes()) {
    if (method === 'post' && path === '/api/v1/session') continue
    const url = `${connections.adminUrl}${path.replace('{id}', 'x')}`
    expect((await fetch(url, { method: method.toUpperCase() })).status, `${method} ${path}`).toBe(401)
  }
})
