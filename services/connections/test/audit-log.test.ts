import { AuditPage, createConnection, validate } from '@sluice/contracts'
import { connectBus, request } from '@sluice/messaging'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type StandaloneConnections, standaloneConnections } from './support/standalone-connections.ts'
import { openAiConnection } from './support/start-connections.ts'

let connections: StandaloneConnections

beforeAll(async () => {
  connections = await standaloneConnections()
})
afterAll(() => connections.stop())

const get = async (path: string) => {
  const { status, body } = await connections.call('GET', `/api/v1${path}`)
  expect(status).toBe(200)
  expect(validate(AuditPage, body).valid).toBe(true)
  return body
}

it('shows who changed what on a connection, also after it was deleted', async () => {
  const { body } = await connections.call('POST', '/api/v1/connections', openAiConnection)
  const path = `/api/v1/connections/${body.id}`
  await connections.call('PATCH', path, { description: 'new', config: { apiKey: 'sk-rotated-0123456789-y5g3' } })
  await connections.call('DELETE', path)
  const { items } = await get(`/connections/${body.id}/activity`)
  expect(items).toMatchObject([
    { action: 'connection.deleted', actor: 'operator:first', subjectId: body.id },
    { action: 'connection.rotated', actor: 'operator:first', actorTokenId: expect.any(String) },
    { action: 'connection.created' },
  ])
  const { changes } = items[1]
  expect(changes.map(({ field }: { field: string }) => field)).toEqual(['credential', 'description'])
  expect(changes[1]).toEqual({ field: 'description', before: '', after: 'new' })
  expect(JSON.stringify(items)).not.toContain('sk-')
})

it('names the system that made a change over the bus, which cannot impersonate an operator', async () => {
  const bus = await connectBus({ servers: connections.nats.url, name: 'test' })
  const connection = {
    name: 'by-bus',
    provider: 'aws-bedrock' as const,
    config: { region: 'eu-west-1', iamRoleArn: 'arn:aws:iam::111122223333:role/sluice' },
  }
  const { id } = await request(bus, createConnection, [], { actor: 'provisioner\noperator:first', connection })
  await bus.close()
  const { items } = await get(`/connections/${id}/activity`)
  expect(items).toMatchObject([{ actor: 'bus:provisioner\uFFFDoperator:first', action: 'connection.created' }])
})

it('records changes of API keys and operator tokens', async () => {
  const { body: key } = await connections.call('POST', '/api/v1/api-keys', { name: 'app', connections: '*' })
  await connections.call('PATCH', `/api/v1/api-keys/${key.id}`, { name: 'renamed', connections: [] })
  await connections.call('DELETE', `/api/v1/api-keys/${key.id}`)
  const { items } = await get(`/audit-log?subjectId=${key.id}`)
  expect(items.map(({ action }: { action: string }) => action)).toEqual([
    'api-key.revoked',
    'api-key.updated',
    'api-key.created',
  ])
  expect(items[1].changes).toEqual([
    { field: 'connections', before: '*', after: [] },
    { field: 'name', before: 'app', after: 'renamed' },
  ])
  const token = await connections.call('POST', '/api/v1/operator-tokens', { name: 'ann', role: 'viewer' })
  const made = await get(`/audit-log?subjectId=${token.body.id}`)
  expect(made.items).toMatchObject([{ action: 'operator-token.created' }])
  expect(JSON.stringify([items, made])).not.toMatch(/sl[co]_/)
})

it('returns pages, newest first', async () => {
  for (let i = 0; i < 3; i++) await connections.call('POST', '/api/v1/api-keys', { name: `k${i}`, connections: '*' })
  const whole = await get('/audit-log?limit=200')
  const ids: number[] = whole.items.map(({ id }: { id: number }) => id)
  expect(ids).toEqual(ids.toSorted((a, b) => b - a))
  const paged: number[] = []
  let cursor = ''
  do {
    const page = await get(`/audit-log?limit=2${cursor}`)
    paged.push(...page.items.map(({ id }: { id: number }) => id))
    cursor = page.nextCursor === undefined ? '' : `&cursor=${page.nextCursor}`
  } while (cursor !== '')
  expect(paged).toEqual(ids)
})

it.each([
  ['/connections/00000000-0000-7000-8000-000000000000/activity', 404],
  ['/connections/none/activity', 404],
  ['/audit-log?cursor=x', 400],
  ['/audit-log?cursor=bmFtZQ', 400],
  ['/audit-log?limit=0', 400],
])('%s: %i', async (path, status) => {
  expect((await connections.call('GET', `/api/v1${path}`)).status).toBe(status)
})
