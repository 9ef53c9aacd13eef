import { CredentialVersionPage, credential, validate } from '@sluice/contracts'
import { type Bus, connectBus, request } from '@sluice/messaging'
import type { ProviderSimulator } from '@sluice/provider-simulator'
import { eventually, type TestDatabase, type TestNats, testDatabase, testNats } from '@sluice/testkit'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createSealedBoxes } from '../src/keys/sealed-boxes.ts'
import { credentialReader, type ReadCredential } from './support/credential-reader.ts'
import { RIGHT_KEY, respondingServer, simulatedProvider, WRONG_KEY } from './support/probed-provider.ts'
import { startConnections, type TestConnections } from './support/start-connections.ts'

const NEW_KEY = 'sk-new-0123456789-ijklmnop-n3w4'
const NEWER_KEY = 'sk-newer-0123456789-qrstuvwx-n3w5'
const UNKNOWN_ID = '01890a5d-ac96-774b-bcce-b302099a8057'

let nats: TestNats
let database: TestDatabase
let openai: ProviderSimulator
let connections: TestConnections
let bus: Bus
let sql: pg.Client
let read: ReadCredential

const start = (operatorToken?: string, masterKey = MASTER_KEY) =>
  startConnections({
    natsUrl: nats.url,
    databaseUrl: database.url,
    masterKey,
    everyProvider: true,
    env: { ALLOW_INSECURE_UPSTREAM: 'true' },
    ...(operatorToken === undefined ? {} : { operatorToken }),
  })
const MASTER_KEY = Buffer.alloc(32, 7).toString('base64')

beforeAll(async () => {
  ;[nats, database, openai] = await Promise.all([testNats(), testDatabase('connections'), simulatedProvider('openai')])
  for (const apiKey of [NEW_KEY, NEWER_KEY]) openai.accounts.register({ apiKey })
  connections = await start()
  bus = await connectBus({ servers: nats.url, name: 'test' })
  read = await credentialReader(bus)
  sql = new pg.Client({ connectionString: database.url })
  await sql.connect()
})
afterAll(async () => {
  await bus.close()
  await sql.end()
  await connections.stop()
  await Promise.all([nats.stop(), database.drop(), openai.stop()])
})
beforeEach(() => sql.query('delete from connections.connections'))

const pathOf = (id: string) => `/api/v1/connections/${id}`
const create = async () => {
  const config = { apiKey: RIGHT_KEY, baseUrl: openai.openaiBaseUrl }
  const document = { name: 'rotated', provider: 'openai', config }
  const { status, body } = await connections.call('POST', '/api/v1/connections', document)
  expect(status).toBe(201)
  return body
}
const rotate = (id: string, apiKey: string, headers?: Record<string, string>) =>
  connections.call('POST', `${pathOf(id)}/rotate`, { config: { apiKey } }, headers)
const rollBack = (id: string, headers?: Record<string, string>) =>
  connections.call('POST', `${pathOf(id)}/rollback`, undefined, headers)
const versions = async (id: string) => (await connections.call('GET', `${pathOf(id)}/credentials`)).body.items
const stored = async (id: string) =>
  (await sql.query('select * from connections.credentials where connection_id = $1 order by version', [id])).rows
/** As if everything had happened so much earlier. */
const age = (interval: string) =>
  sql.query('update connections.credentials set created_at = created_at - $1::interval', [interval])

async function goneProvider(): Promise<string> {
  const stopped = await simulatedProvider('openai')
  await stopped.stop()
  return stopped.openaiBaseUrl
}

describe('a rotation', () => {
  it('puts the new credential in force after the provider has accepted it', async () => {
    const { id } = await create()
    openai.requests.clear()
    const { status, headers, body } = await rotate(id, NEW_KEY, { 'if-match': '"1"' })
    expect([status, headers.get('etag')]).toEqual([200, '"2"'])
    expect(body.credential).toMatchObject({ version: 2, hint: '…n3w4' })
    expect(openai.requests.counts(NEW_KEY).total).toBeGreaterThan(0)
    expect(await read(id, 2)).toEqual({ apiKey: NEW_KEY })
  })

  it('keeps the old credential, and nothing of the new one, if the provider rejects it', async () => {
    const created = await create()
    openai.controls.add({ echoApiKey: true })
    const { status, body } = await rotate(created.id, WRONG_KEY)
    openai.controls.clear()
    expect(status).toBe(422)
    expect(body).toMatchObject({
      code: 'credential_rejected',
      test: { ok: false, error: { code: 'invalid_credential', status: 401 } },
    })
    expect(body.detail).toContain(body.test.error.message)
    expect(JSON.stringify(body) + connections.logs()).not.toContain(WRONG_KEY)
    expect((await connections.call('GET', pathOf(created.id))).body).toEqual(created)
    expect(await stored(created.id)).toHaveLength(1)
    expect(await read(created.id)).toEqual({ apiKey: RIGHT_KEY })
  })

  it('keeps the old credential if the provider knows the new one and forbids its use', async () => {
    const { id } = await create()
    const baseUrl = await respondingServer((_request, response) => void response.writeHead(403).end())
    const { status, body } = await connections.call('POST', `${pathOf(id)}/rotate`, {
      config: { apiKey: NEW_KEY, baseUrl },
    })
    expect([status, body.code, body.test.error.code]).toEqual([422, 'credential_rejected', 'forbidden'])
    expect(await read(id)).toEqual({ apiKey: RIGHT_KEY })
  })

  it.each<[string, string, () => Promise<string>]>([
    ['is not there', 'unreachable', goneProvider],
    ['fails', 'provider_error', () => respondingServer((_request, response) => void response.writeHead(503).end())],
    [
      'objects to the request',
      'provider_error',
      () => respondingServer((_request, response) => void response.writeHead(400).end()),
    ],
    [
      'demands a payment',
      'provider_error',
      () => respondingServer((_request, response) => void response.writeHead(402).end()),
    ],
    [
      'has no capacity',
      'rate_limited',
      () => respondingServer((_request, response) => void response.writeHead(429).end()),
    ],
    ['does not respond in time', 'timeout', () => respondingServer(() => undefined)],
  ])(
    'keeps the old credential if the provider %s, and says how to store the new one without a test',
    async (_, code, provider) => {
      const { id } = await create()
      const config = { apiKey: NEW_KEY, baseUrl: await provider() }
      const { status, body } = await connections.call('POST', `${pathOf(id)}/rotate`, { config })
      expect([status, body.code, body.test.error.code]).toEqual([502, 'credential_untested', code])
      expect(body.detail).toContain(`could not be tested; the old one stays in force. ${body.test.error.message}`)
      expect((await connections.call('GET', pathOf(id))).body.config.baseUrl).toBe(openai.openaiBaseUrl)
      expect(await read(id)).toEqual({ apiKey: RIGHT_KEY })
      const [, path = ''] = /PATCH (\S+)\.$/.exec(body.detail) ?? []
      const stored = await connections.call('PATCH', path, { config })
      expect([stored.status, stored.body.credential.version]).toEqual([200, 2])
    },
    20_000,
  )

  it('stores a credential that cannot be tested because the provider has no list of models', async () => {
    for (const status of [404, 405, 501]) {
      const baseUrl = await respondingServer((_request, response) => {
        response.writeHead(status, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ error: { code: String(status), message: 'Resource not found' } }))
      })
      for (const provider of ['openai', 'anthropic', 'groq', 'google']) {
        const config = { apiKey: RIGHT_KEY, baseUrl: `${baseUrl}/path` }
        const document = { name: `${provider}-${status}`, provider, config }
        const { body } = await connections.call('POST', '/api/v1/connections', document)
        const rotated = await rotate(body.id, NEW_KEY)
        expect([rotated.status, rotated.body.credential?.version]).toEqual([200, 2])
        const test = await connections.call('POST', `${pathOf(body.id)}/test`)
        expect(test.body).toMatchObject({ ok: false, error: { code: 'untested', status } })
        expect(test.body.error.message).toContain('could not be tested: there is no list of models')
      }
    }
  })

  it('tests the credential again when another change is stored first', async () => {
    const { id } = await create()
    openai.controls.add({ times: 1, latencyMs: 400 })
    openai.requests.clear()
    const rotation = rotate(id, NEW_KEY)
    await eventually(() => expect(openai.requests.counts().total).toBe(1))
    await connections.call('PATCH', pathOf(id), { description: 'meanwhile' })
    expect((await rotation).body).toMatchObject({ version: 3, description: 'meanwhile', credential: { version: 2 } })
    expect(openai.requests.counts(NEW_KEY).total).toBe(2)
  })

  it.each([
    ['no config', {}, ['config']],
    ['no credential', { config: {} }, ['config.apiKey']],
    ['a credential of the wrong shape', { config: { apiKey: 7 } }, ['config.apiKey']],
    ['what has no part in it', { config: { apiKey: NEW_KEY }, name: 'x' }, ['name']],
  ])('with %s is refused, and the provider not called', async (_, document, fields) => {
    const { id } = await create()
    openai.requests.clear()
    const { status, body } = await connections.call('POST', `${pathOf(id)}/rotate`, document)
    expect([status, body.code]).toEqual([400, 'invalid_request'])
    expect(body.errors.map(({ field }: { field: string }) => field)).toEqual(fields)
    expect(openai.requests.counts().total).toBe(0)
  })

  it('is refused for another version, an unknown connection, or without a token', async () => {
    const { id } = await create()
    expect((await rotate(id, NEW_KEY, { 'if-match': '"7"' })).status).toBe(412)
    expect((await rotate(UNKNOWN_ID, NEW_KEY)).status).toBe(404)
    expect((await rotate(id, NEW_KEY, { authorization: 'Bearer slo_x' })).status).toBe(401)
    expect(await read(id)).toEqual({ apiKey: RIGHT_KEY })
  })

  it('is refused with an explanation for Bedrock, which has no stored credential', async () => {
    const config = { region: 'eu-central-1', iamRoleArn: 'arn:aws:iam::123456789012:role/sluice' }
    const { body } = await connections.call('POST', '/api/v1/connections', {
      name: 'b',
      provider: 'aws-bedrock',
      config,
    })
    const rotation = await rotate(body.id, NEW_KEY)
    expect(rotation.body.errors).toEqual([{ field: 'config', message: 'this provider has no credential to rotate' }])
    expect((await rollBack(body.id)).body).toMatchObject({ status: 409, code: 'no_previous_credential' })
    expect(await versions(body.id)).toEqual([])
  })
})

describe('a rollback', () => {
  it('puts the previous credential in force again as a new version, and is in the audit log', async () => {
    const { id } = await create()
    await rotate(id, NEW_KEY)
    const { status, headers, body } = await rollBack(id, { 'if-match': '"2"' })
    expect([status, headers.get('etag')]).toEqual([200, '"3"'])
    expect(body.credential).toMatchObject({ version: 3, restores: 1, hint: `…${RIGHT_KEY.slice(-4)}` })
    expect(await read(id, 3)).toEqual({ apiKey: RIGHT_KEY })
    const { rows } = await sql.query(
      `select before, after from connections.audit_log where subject_id = $1 and action = 'connection.rolled-back'`,
      [id],
    )
    expect(rows).toMatchObject([{ before: { credential: { version: 2 } }, after: { credential: { restores: 1 } } }])
  })

  it('can be undone by another rollback', async () => {
    const { id } = await create()
    await rotate(id, NEW_KEY)
    await rollBack(id)
    expect((await rollBack(id)).body.credential).toMatchObject({ version: 4, restores: 2 })
    expect(await read(id, 4)).toEqual({ apiKey: NEW_KEY })
  })

  it('is refused before the first rotation, and after the grace time', async () => {
    const { id } = await create()
    expect((await rollBack(id)).body).toMatchObject({ status: 409, code: 'no_previous_credential' })
    await rotate(id, NEW_KEY)
    await age('24 hours')
    expect((await rollBack(id)).body).toMatchObject({ status: 409, code: 'no_previous_credential' })
    expect(await read(id, 2)).toEqual({ apiKey: NEW_KEY })
  })

  it('keeps the current version and says so if the previous one cannot be opened', async () => {
    const { id } = await create()
    await rotate(id, NEW_KEY)
    await sql.query(
      `update connections.credentials set envelope = jsonb_set(envelope, '{ciphertext}', '"AAAA"')
       where connection_id = $1 and version = 1`,
      [id],
    )
    expect((await rollBack(id)).body).toMatchObject({ status: 503, code: 'credential_unavailable' })
    expect(await read(id, 2)).toEqual({ apiKey: NEW_KEY })
    expect(await versions(id)).toMatchObject([{ version: 2 }, { version: 1, fault: { reason: 'not_authentic' } }])
  })

  it('is refused for another version or an unknown connection', async () => {
    const { id } = await create()
    expect((await rollBack(id, { 'if-match': '"7"' })).status).toBe(412)
    expect((await rollBack(UNKNOWN_ID)).status).toBe(404)
  })
})

describe('the versions of a credential', () => {
  it('are listed newest first, with their creators and without secrets', async () => {
    const { id } = await create()
    await rotate(id, NEW_KEY)
    await rotate(id, NEWER_KEY)
    await rollBack(id)
    const { status, body } = await connections.call('GET', `${pathOf(id)}/credentials`)
    expect(status).toBe(200)
    expect(validate(CredentialVersionPage, body).valid).toBe(true)
    const made = { createdAt: expect.any(String), createdBy: 'operator:first' }
    const wrapped = { keyService: 'libsodium', keyId: expect.any(String) }
    const until = new Date(Date.parse(body.items[0].createdAt) + 24 * 3_600_000).toISOString()
    expect(body).toEqual({
      items: [
        { version: 4, hint: '…n3w4', status: 'current', restores: 2, ...made, ...wrapped },
        { version: 3, hint: '…n3w5', status: 'previous', rollbackUntil: until, ...made, ...wrapped },
        { version: 2, hint: '…n3w4', status: 'retired', ...made },
        { version: 1, hint: `…${RIGHT_KEY.slice(-4)}`, status: 'retired', ...made },
      ],
    })
  })

  it('are listed in pages', async () => {
    const { id } = await create()
    for (const key of [NEW_KEY, NEWER_KEY]) await rotate(id, key)
    const page = (query: string) => connections.call('GET', `${pathOf(id)}/credentials?${query}`)
    const first = await page('limit=2')
    expect(first.body.items.map(({ version }: { version: number }) => version)).toEqual([3, 2])
    const last = await page(`limit=2&cursor=${first.body.nextCursor}`)
    expect(last.body).toMatchObject({ items: [{ version: 1 }] })
    expect(last.body).not.toHaveProperty('nextCursor')
    const beyond = Buffer.from('999999999999999').toString('base64url')
    expect((await page(`limit=2&cursor=${beyond}`)).body).toEqual(first.body)
    for (const cursor of ['x', Buffer.from('prod').toString('base64url')]) {
      expect((await page(`cursor=${cursor}`)).status).toBe(400)
    }
    expect((await connections.call('GET', `${pathOf(UNKNOWN_ID)}/credentials`)).status).toBe(404)
  })
})

describe('a replaced credential is destroyed', () => {
  it('when it is no longer the previous one', async () => {
    const { id } = await create()
    for (const key of [NEW_KEY, NEWER_KEY]) await rotate(id, key)
    expect((await stored(id)).map(({ envelope }) => envelope === null)).toEqual([true, false, false])
  })

  it('after the grace time, once for any number of instances, and no other credential is', async () => {
    const { id } = await create()
    await rotate(id, NEW_KEY)
    await age('25 hours')
    const instances = await Promise.all([1, 2].map(() => start(connections.operatorToken)))
    await eventually(async () =>
      expect((await stored(id)).map(({ envelope }) => envelope === null)).toEqual([true, false]),
    )
    const lines = instances.map((instance) => instance.logs()).join('')
    await Promise.all(instances.map((instance) => instance.stop()))
    expect(lines.match(/a replaced credential was destroyed/g)).toHaveLength(1)
    expect(await versions(id)).toMatchObject([
      { version: 2, status: 'current' },
      { version: 1, status: 'retired' },
    ])
  })

  it('with its connection', async () => {
    const { id } = await create()
    await rotate(id, NEW_KEY)
    expect((await connections.call('DELETE', pathOf(id))).status).toBe(204)
    expect(await stored(id)).toEqual([])
  })
})

it('returns the current version and its number to a gateway that requests a replaced one', async () => {
  const { id } = await create()
  for (const key of [NEW_KEY, NEWER_KEY]) await rotate(id, key)
  const boxes = await createSealedBoxes()
  const pair = boxes.generateKeyPair()
  for (const version of [1, 2, 3]) {
    const reply = await request(bus, credential, [], { connectionId: id, version, publicKey: pair.publicKey })
    expect(reply.version).toBe(3)
    expect(Buffer.from(boxes.open(reply.sealed, pair) ?? []).toString()).toBe(JSON.stringify({ apiKey: NEWER_KEY }))
  }
  await expect(read(id, 4)).rejects.toMatchObject({ code: 'credential_unavailable' })
})
