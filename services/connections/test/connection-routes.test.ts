import { ConnectionView, validate } from '@sluice/contracts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type StandaloneConnections, standaloneConnections } from './support/standalone-connections.ts'
import { openAiConnection } from './support/start-connections.ts'

let connections: StandaloneConnections

beforeAll(async () => {
  connections = await standaloneConnections({ everyProvider: true })
})
afterAll(() => connections.stop())
beforeEach(() => connections.access.sql('delete from connections.connections'))

const create = (over: object = {}) => connections.call('POST', '/api/v1/connections', { ...openAiConnection, ...over })

describe('a connection that is created', () => {
  it('is returned with its defaults and without its credential, and can be read afterwards', async () => {
    const created = await create({ allowedModels: ['gpt-*'] })
    expect(created.status).toBe(201)
    expect(validate(ConnectionView, created.body).valid).toBe(true)
    expect(created.body).toMatchObject({
      name: 'openai-prod',
      provider: 'openai',
      config: {},
      credential: { set: true, hint: '…x4f2', version: 1 },
      description: '',
      allowedModels: ['gpt-*'],
      capacity: [{ period: 'minute', requests: 100, tokens: 100_000 }],
      defaultMaxOutputTokens: 1_024,
      tokenReservation: 'bounded',
      onCapacityUnavailable: 'reject',
      maxWaitMs: 0,
      enforceDiscovered: false,
      allowAdministration: false,
      requestStreamUsage: true,
      enabled: true,
      version: 1,
    })
    expect(created.headers.get('location')).toBe(`/api/v1/connections/${created.body.id}`)
    expect(created.headers.get('etag')).toBe('"1"')
    const read = await connections.call('GET', `/api/v1/connections/${created.body.id}`)
    expect(read.status).toBe(200)
    expect(read.body).toEqual(created.body)
  })

  it('gets its own external id and no credential if its provider is Bedrock', async () => {
    const config = { region: 'eu-central-1', iamRoleArn: 'arn:aws:iam::123456789012:role/sluice' }
    const [one, other] = await Promise.all([
      create({ name: 'one', provider: 'aws-bedrock', config }),
      create({ name: 'other', provider: 'aws-bedrock', config }),
    ])
    expect(one.body.config).toEqual({ ...config, externalId: expect.stringMatching(/^sluice-[0-9a-f-]{36}$/) })
    expect(one.body.config.externalId).not.toBe(other.body.config.externalId)
    expect(one.body).not.toHaveProperty('credential')
    const given = await create({ name: 'third', provider: 'aws-bedrock', config: { ...config, externalId: 'mine' } })
    expect(given.body.errors).toEqual([{ field: 'config.externalId', message: 'is not known' }])
  })

  it('is in the audit log with its creator and without its credential', async () => {
    const { body } = await create()
    const rows = await connections.access.sql('select * from connections.audit_log where subject_id = $1', [body.id])
    expect(rows).toMatchObject([{ actor: 'operator:first', action: 'connection.created', before: null, after: body }])
  })
})

describe('the list', () => {
  it('is sorted by name and paged to the end', async () => {
    const names = ['a-1', 'a1', 'b', 'b-0', 'c', 'd', 'e']
    for (const name of names.toReversed()) await create({ name })
    const listed: string[] = []
    let cursor: string | undefined
    do {
      const query = cursor === undefined ? '' : `&cursor=${cursor}`
      const page = await connections.call('GET', `/api/v1/connections?limit=3${query}`)
      expect(page.body.items.length).toBeLessThanOrEqual(3)
      listed.push(...page.body.items.map(({ name }: { name: string }) => name))
      cursor = page.body.nextCursor
    } while (cursor !== undefined)
    expect(listed).toEqual(names)
  })

  it('has no cursor when a page ends exactly at the last connection', async () => {
    for (const name of ['a', 'b']) await create({ name })
    const page = await connections.call('GET', '/api/v1/connections?limit=2')
    expect(page.body.items).toHaveLength(2)
    expect(page.body).not.toHaveProperty('nextCursor')
  })

  it('can be searched by name and description, without wildcards', async () => {
    await create({ name: 'prod', description: 'Billing TEAM' })
    await create({ name: 'test', description: '100%_sure' })
    const search = async (text: string) => {
      const page = await connections.call('GET', `/api/v1/connections?search=${encodeURIComponent(text)}`)
      return page.body.items.map(({ name }: { name: string }) => name)
    }
    expect(await search('PRO')).toEqual(['prod'])
    expect(await search('team')).toEqual(['prod'])
    expect(await search('%_s')).toEqual(['test'])
    expect(await search('_')).toEqual(['test'])
    expect(await search("'; drop")).toEqual([])
    expect(await search('\u0000')).toEqual([])
  })

  it('can be filtered by provider', async () => {
    await create({ name: 'o' })
    await create({ name: 'g', provider: 'groq' })
    const page = await connections.call('GET', '/api/v1/connections?provider=groq')
    expect(page.body.items.map(({ name }: { name: string }) => name)).toEqual(['g'])
  })

  it.each([
    ['limit=0', 'limit'],
    ['limit=x', 'limit'],
    ['limit=201', 'limit'],
    ['cursor=*', 'cursor'],
    ['provider=acme', 'provider'],
  ])('refuses ?%s', async (query, field) => {
    const response = await connections.call('GET', `/api/v1/connections?${query}`)
    expect(response.status).toBe(400)
    expect(response.body.errors.map((error: { field: string }) => error.field)).toEqual([field])
  })
})

describe('a change', () => {
  it('changes the given fields and keeps the rest, including the credential', async () => {
    const { body: before } = await create({ config: { ...openAiConnection.config, organization: 'org-1' } })
    const changes = { enabled: false, config: { project: 'proj-1' } }
    const {
      status,
      body: after,
      headers,
    } = await connections.call('PATCH', `/api/v1/connections/${before.id}`, changes)
    expect(status).toBe(200)
    expect(after).toEqual({
      ...before,
      enabled: false,
      config: { organization: 'org-1', project: 'proj-1' },
      version: 2,
      updatedAt: after.updatedAt,
    })
    expect(headers.get('etag')).toBe('"2"')
  })

  it('rotates the credential if it has a key, and keeps the earlier version encrypted', async () => {
    const { body: before } = await create()
    const changes = { config: { apiKey: 'sk-second-0123456789-abcdefghij-9zzz' } }
    const { body: after } = await connections.call('PATCH', `/api/v1/connections/${before.id}`, changes)
    expect(after.credential).toMatchObject({ version: 2, hint: '…9zzz' })
    const rows = await connections.access.sql('select version from connections.credentials order by version')
    expect(rows).toEqual([{ version: 1 }, { version: 2 }])
    const log = await connections.access.sql(
      'select action from connections.audit_log where subject_id = $1 order by id',
      [before.id],
    )
    expect(log).toEqual([{ action: 'connection.created' }, { action: 'connection.rotated' }])
  })

  it('resets settings that are null to their defaults, and removes config fields that are null', async () => {
    const config = { ...openAiConnection.config, baseUrl: 'https://eu.api.openai.com/v1', organization: 'org-1' }
    const { body: before } = await create({ config, allowedModels: ['gpt-*'], maxWaitMs: 5_000, description: 'old' })
    const path = `/api/v1/connections/${before.id}`
    const changes = { allowedModels: null, maxWaitMs: null, capacity: null, config: { baseUrl: null } }
    const { status, body: after } = await connections.call('PATCH', path, changes)
    expect(status).toBe(200)
    expect(after).not.toHaveProperty('allowedModels')
    expect(after).toMatchObject({ maxWaitMs: 0, capacity: [], description: 'old', credential: { version: 1 } })
    expect(after.config).toEqual({ organization: 'org-1' })
    expect((await connections.call('GET', path)).body).toEqual(after)
    const wrong = await connections.call('PATCH', path, { name: null, config: { apiKey: null } })
    expect(wrong.body.errors).toEqual([
      { field: 'name', message: 'must be a string, not null' },
      { field: 'config.apiKey', message: 'must be a string, not null' },
    ])
  })

  it('is refused when the connection has another version than If-Match requires', async () => {
    const { body } = await create()
    const path = `/api/v1/connections/${body.id}`
    const first = await connections.call('PATCH', path, { enabled: false }, { 'if-match': '"1"' })
    const second = await connections.call('PATCH', path, { enabled: true }, { 'if-match': '"1"' })
    const removal = await connections.call('DELETE', path, undefined, { 'if-match': '"1"' })
    expect([first.status, second.status, removal.status]).toEqual([200, 412, 412])
    expect(second.body.code).toBe('version_conflict')
    const malformed = await connections.call('PATCH', path, { enabled: true }, { 'if-match': 'W/"x"' })
    expect(malformed.body).toMatchObject({ status: 400, errors: [{ field: 'if-match' }] })
    expect((await connections.call('GET', path)).body).toMatchObject({ enabled: false, version: 2 })
  })

  it('is never lost to a concurrent change', async () => {
    const { body } = await create()
    const path = `/api/v1/connections/${body.id}`
    const [a, b] = await Promise.all([
      connections.call('PATCH', path, { description: 'changed' }),
      connections.call('PATCH', path, { maxWaitMs: 500 }),
    ])
    expect([a.status, b.status]).toEqual([200, 200])
    expect((await connections.call('GET', path)).body).toMatchObject({
      description: 'changed',
      maxWaitMs: 500,
      version: 3,
    })
  })

  it('is validated like a new connection', async () => {
    const { body } = await create()
    await create({ name: 'other' })
    const path = `/api/v1/connections/${body.id}`
    const wrong = {
      name: 'B',
      provider: 'groq',
      config: { apiKey: '', x: 1 },
      capacity: [{ period: 'day', tokens: -1 }],
    }
    const response = await connections.call('PATCH', path, wrong)
    const fields = response.body.errors.map(({ field }: { field: string }) => field)
    expect(fields.toSorted()).toEqual(['capacity.0.tokens', 'config.apiKey', 'config.x', 'name', 'provider'])
    expect(response.body.errors).toContainEqual({
      field: 'provider',
      message: 'cannot be changed: create another connection',
    })
    expect((await connections.call('PATCH', path, { name: 'other' })).body.code).toBe('name_taken')
    expect((await connections.call('GET', path)).body).toEqual(body)
  })
})

describe('a removal', () => {
  it('deletes the connection and every version of its credential, and is in the audit log', async () => {
    const { body } = await create()
    const removed = await connections.call('DELETE', `/api/v1/connections/${body.id}`)
    expect(removed).toMatchObject({ status: 204, body: undefined })
    expect((await connections.call('GET', `/api/v1/connections/${body.id}`)).status).toBe(404)
    expect((await connections.call('DELETE', `/api/v1/connections/${body.id}`)).status).toBe(404)
    expect(await connections.access.sql('select 1 from connections.credentials')).toEqual([])
    const log = await connections.access.sql(
      `select before, after from connections.audit_log where action = 'connection.deleted'`,
    )
    expect(log).toContainEqual({ before: body, after: null })
  })
})

it('accepts a DELETE with a content type and no body', async () => {
  const { body } = await create()
  const json = { 'content-type': 'application/json' }
  const removed = await connections.call('DELETE', `/api/v1/connections/${body.id}`, undefined, json)
  expect(removed).toMatchObject({ status: 204, body: undefined })
})

it.each(['no-uuid', '0199a7c2-4d0e-7c3e-9d5f-0f6d6b0a1b2c', '...', "'"])('there is no connection %s', async (id) => {
  const response = await connections.call('GET', `/api/v1/connections/${id}`)
  expect(response.status).toBe(404)
  expect(response.body.code).toBe('not_found')
})
