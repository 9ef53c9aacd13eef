import type { AwsSimulator } from '@sluice/aws-simulator'
import { ConnectionTest, testConnection, validate } from '@sluice/contracts'
import { type Bus, connectBus, request } from '@sluice/messaging'
import type { ProviderSimulator } from '@sluice/provider-simulator'
import { type TestDatabase, type TestNats, testDatabase, testNats } from '@sluice/testkit'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { REGION, RIGHT_KEY, ROLE, simulatedAws, simulatedProvider, WRONG_KEY } from './support/probed-provider.ts'
import { startConnections, type TestConnections } from './support/start-connections.ts'

let nats: TestNats
let database: TestDatabase
let openai: ProviderSimulator
let bedrock: ProviderSimulator
let aws: AwsSimulator
let connections: TestConnections
let bus: Bus
let sql: pg.Client

beforeAll(async () => {
  ;[nats, database, openai, bedrock, aws] = await Promise.all([
    testNats(),
    testDatabase('connections'),
    simulatedProvider('openai'),
    simulatedProvider('aws-bedrock'),
    simulatedAws(),
  ])
  connections = await startConnections({
    natsUrl: nats.url,
    databaseUrl: database.url,
    everyProvider: true,
    env: {
      ALLOW_INSECURE_UPSTREAM: 'true',
      STS_ENDPOINT: aws.url,
      AWS_ACCESS_KEY_ID: ROLE.trustedCaller.accessKeyId,
      AWS_SECRET_ACCESS_KEY: ROLE.trustedCaller.secretAccessKey,
    },
  })
  bus = await connectBus({ servers: nats.url, name: 'test' })
  sql = new pg.Client({ connectionString: database.url })
  await sql.connect()
})
afterAll(async () => {
  await bus.close()
  await sql.end()
  await connections.stop()
  await Promise.all([nats.stop(), database.drop(), openai.stop(), bedrock.stop(), aws.stop()])
})
beforeEach(() => sql.query('delete from connections.connections'))

const UNKNOWN_ID = '01890a5d-ac96-774b-bcce-b302099a8057'
const openAiConfig = (apiKey: string) => ({ apiKey, baseUrl: openai.openaiBaseUrl })
const create = async (provider: string, config: object) => {
  const { status, body } = await connections.call('POST', '/api/v1/connections', { name: 'tried', provider, config })
  expect(status).toBe(201)
  return body
}

describe('a stored connection', () => {
  it('is tested with its credential, over HTTP and over the bus alike', async () => {
    const { id } = await create('openai', openAiConfig(RIGHT_KEY))
    const response = await connections.call('POST', `/api/v1/connections/${id}/test`)
    expect(response.status).toBe(200)
    expect(validate(ConnectionTest, response.body).valid).toBe(true)
    expect(response.body).toMatchObject({ ok: true, models: expect.arrayContaining(['gpt-4o']) })
    expect(await request(bus, testConnection, [], { id })).toMatchObject({ ok: true, models: response.body.models })
  })

  it('is reported as rejected by the provider, without its credential', async () => {
    openai.controls.add({ echoApiKey: true })
    const { id } = await create('openai', openAiConfig(WRONG_KEY))
    const response = await connections.call('POST', `/api/v1/connections/${id}/test`)
    const overBus = await request(bus, testConnection, [], { id })
    openai.controls.clear()
    expect(response.status).toBe(200)
    expect(response.body).toMatchObject({ ok: false, error: { code: 'invalid_credential', status: 401 } })
    expect(overBus.error).toEqual(response.body.error)
    expect(JSON.stringify(response.body) + connections.logs()).not.toContain(WRONG_KEY)
  })

  it('is tested with the credential that it was rotated to', async () => {
    const { id } = await create('openai', openAiConfig(WRONG_KEY))
    await connections.call('PATCH', `/api/v1/connections/${id}`, { config: { apiKey: RIGHT_KEY } })
    expect((await connections.call('POST', `/api/v1/connections/${id}/test`)).body.ok).toBe(true)
  })

  it('is tested with its own external id if its provider is Bedrock', async () => {
    const config = { region: REGION, iamRoleArn: ROLE.arn, baseUrl: bedrock.url }
    const { id, config: created } = await create('aws-bedrock', config)
    const test = () => connections.call('POST', `/api/v1/connections/${id}/test`)
    expect((await test()).body).toMatchObject({ ok: false, error: { code: 'role_not_assumable', status: 403 } })
    aws.setRole({ ...ROLE, externalId: created.externalId })
    expect((await test()).body).toEqual({ ok: true, latencyMs: expect.any(Number) })
  })

  it('is not tested if it does not exist, or without a token', async () => {
    for (const id of [UNKNOWN_ID, 'no-uuid']) {
      const response = await connections.call('POST', `/api/v1/connections/${id}/test`)
      expect([response.status, response.body.code]).toEqual([404, 'not_found'])
      await expect(request(bus, testConnection, [], { id })).rejects.toMatchObject({ code: 'not_found' })
    }
    for (const path of [`${UNKNOWN_ID}/test`, 'test']) {
      const response = await connections.call(
        'POST',
        `/api/v1/connections/${path}`,
        {},
        { authorization: 'Bearer slo_x' },
      )
      expect(response.status).toBe(401)
    }
  })
})

describe('a connection that is not stored', () => {
  const test = (body: unknown) => connections.call('POST', '/api/v1/connections/test', body)

  it('is tested, and nothing of it is stored', async () => {
    const auditRows = async () => (await sql.query('select 1 from connections.audit_log')).rowCount
    const before = await auditRows()
    const right = await test({ provider: 'openai', config: openAiConfig(RIGHT_KEY), allowedModels: ['gpt-*'] })
    expect(right.status).toBe(200)
    expect(right.body).toMatchObject({ ok: true, models: expect.arrayContaining(['gpt-4o']) })
    const wrong = await test({ provider: 'openai', config: openAiConfig(WRONG_KEY) })
    expect(wrong.body).toMatchObject({ ok: false, error: { code: 'invalid_credential' } })
    expect((await sql.query('select 1 from connections.connections')).rowCount).toBe(0)
    expect(await auditRows()).toBe(before)
    for (const key of [RIGHT_KEY, WRONG_KEY]) expect(connections.logs()).not.toContain(key)
  })

  it.each([
    ['an unknown provider', { provider: 'none', config: {} }, ['provider']],
    ['no config', { provider: 'openai' }, ['config']],
    [
      'no key and a bad address',
      { provider: 'openai', config: { baseUrl: 'https://169.254.169.254' } },
      ['config.apiKey', 'config.baseUrl'],
    ],
    ['what has no part in it', { provider: 'openai', config: { apiKey: RIGHT_KEY }, name: 'x' }, ['name']],
    ['nothing', [], ['']],
    [
      'a role, which has no external id yet',
      { provider: 'aws-bedrock', config: { region: REGION, iamRoleArn: ROLE.arn } },
      ['provider'],
    ],
    [
      'an external id',
      { provider: 'aws-bedrock', config: { region: REGION, iamRoleArn: ROLE.arn, externalId: 'mine' } },
      ['config.externalId', 'provider'],
    ],
  ])('is refused with %s', async (_, body, fields) => {
    const response = await test(body)
    expect([response.status, response.body.code]).toEqual([400, 'invalid_request'])
    expect(response.body.errors.map(({ field }: { field: string }) => field)).toEqual(expect.arrayContaining(fields))
    expect(JSON.stringify(response.body)).not.toContain(RIGHT_KEY)
  })
})

it('describes both tests in OpenAPI', async () => {
  const { body } = await connections.call('GET', '/api/v1/openapi.json')
  for (const path of ['/api/v1/connections/test', '/api/v1/connections/{id}/test']) {
    const { schema } = body.paths[path].post.responses['200'].content['application/json']
    expect(Object.keys(schema.properties)).toEqual(['ok', 'latencyMs', 'models', 'error'])
  }
  const given = body.paths['/api/v1/connections/test'].post.requestBody.content['application/json'].schema
  expect(given.required).toEqual(['provider', 'config'])
})
