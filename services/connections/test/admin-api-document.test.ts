import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type StandaloneConnections, standaloneConnections } from './support/standalone-connections.ts'

let connections: StandaloneConnections

beforeAll(async () => {
  connections = await standaloneConnections()
})
afterAll(() => connections.stop())

it('docs/admin-api.md lists every route with the role that it needs, and no other', async () => {
  const document = await readFile(new URL('../../../docs/admin-api.md', import.meta.url), 'utf8')
  const documented = [...document.matchAll(/^\| (\w+) \| `([A-Z]+ \/api\/v1\/\S+)` \|/gm)].map(
    ([, role, route]) => `${route} ${role}`,
  )
  const { body } = await connections.call('GET', '/api/v1/openapi.json')
  const { token } = await connections.access.token('viewer')
  const routes = Object.entries<object>(body.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
  )
  const served = await Promise.all(
    routes.map(async ({ method, path }) => `${method} ${path} ${await neededRole(method, path, token)}`),
  )
  expect(documented.toSorted()).toEqual(served.toSorted())
})

/** Names nothing that exists, so that nothing changes. */
async function neededRole(method: string, path: string, viewerToken: string): Promise<string> {
  const url = connections.adminUrl + path.replace('{id}', 'none')
  if ((await fetch(url, { method })).status !== 401) return 'anyone'
  const { status } = await fetch(url, { method, headers: { authorization: `Bearer ${viewerToken}` } })
  return status === 403 ? 'admin' : 'viewer'
}
