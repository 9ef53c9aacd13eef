import {
  createConnection,
  credential,
  deleteConnection,
  getConnection,
  listConnections,
  SluiceError,
  sealingKey,
  updateConnection,
} from '@sluice/contracts'
import { type Bus, connectBus, request } from '@sluice/messaging'
import { type TestDatabase, type TestNats, testDatabase, testNats } from '@sluice/testkit'
import sodium from 'libsodium-wrappers'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openAiConnection, startConnections, type TestConnections } from './support/start-connections.ts'

const API_KEY = 'sk-on-the-bus-0123456789-abcd'

let nats: TestNats
let database: TestDatabase
let connections: TestConnections
let bus: Bus
let sql: pg.Client

beforeAll(async () => {
  await sodium.ready
  ;[nats, database] = await Promise.all([testNats(), testDatabase('connections')])
  connections = await startConnections({ natsUrl: nats.url, databaseUrl: database.url, everyProvider: true })
  bus = await connectBus({ servers: nats.url, name: 'test' })
  sql = new pg.Client({ connectionString: database.url })
  await sql.connect()
})
afterAll(async () => {
  await bus.close()
  await sql.end()
  await connections.stop()
  await Promise.all([nats.stop(), database.drop()])
})
beforeEach(() => sql.query('delete from connections.connections'))

async function sealed(secret: string): Promise<{ sealed: string }> {
  const { publicKey } = await request(bus, sealingKey, [], {})
  const box = sodium.crypto_box_seal(secret, Buffer.from(publicKey, 'base64'))
  return { sealed: Buffer.from(box).toString('base64') }
}

async function create(over: object = {}) {
  const config = { apiKey: await sealed(API_KEY) }
  return request(bus, createConnection, [], { actor: 'terra\u0000form', connection: { ...input, config, ...over } })
}
const input = { ...openAiConnection, provider: 'openai' as const, capacity: [] }

describe('over the bus', () => {
  it('creates, reads, lists, changes and deletes connections as over HTTP', async () => {
    const created = await create()
    expect(created).toMatchObject({
      name: 'openai-prod',
      config: {},
      credential: { set: true, hint: '…abcd' },
      version: 1,
    })
    expect((await connections.call('GET', `/api/v1/connections/${created.id}`)).body).toEqual(created)
    expect(await request(bus, getConnection, [], { id: created.id })).toEqual(created)
    expect(await request(bus, listConnections, [], { search: 'openai' })).toEqual({ items: [created] })
    const changes = { enabled: false, config: { organization: 'org-1' } }
    const updated = await request(bus, updateConnection, [], { id: created.id, ifVersion: 1, changes })
    expect(updated).toMatchObject({ enabled: false, config: { organization: 'org-1' }, version: 2 })
    expect(await request(bus, deleteConnection, [], { id: created.id, ifVersion: 2 })).toEqual({ id: created.id })
    await expectFault(request(bus, getConnection, [], { id: created.id }), 'not_found')
    const { rows } = await sql.query(
      'select actor, action from connections.audit_log where subject_id = $1 order by id',
      [created.id],
    )
    expect(rows).toEqual([
      { actor: 'bus:terra\uFFFDform', action: 'connection.created' },
      { actor: 'bus:unnamed', action: 'connection.updated' },
      { actor: 'bus:unnamed', action: 'connection.deleted' },
    ])
  })

  it('refuses a secret in clear with an explanation that does not quote it', async () => {
    const fault = await expectFault(create({ config: { apiKey: API_KEY } }), 'invalid_request')
    expect(fault.fields).toEqual([
      { field: 'connection.config.apiKey', message: expect.stringContaining('must be sealed') },
    ])
    expect(JSON.stringify(fault.fields) + fault.message + connections.logs()).not.toContain(API_KEY)
    const { id } = await create()
    const changes = { config: { apiKey: API_KEY } }
    const refused = await expectFault(request(bus, updateConnection, [], { id, changes }), 'invalid_request')
    expect(refused.fields.map(({ field }) => field)).toEqual(['changes.config.apiKey'])
    expect((await sql.query('select 1 from connections.connections')).rowCount).toBe(1)
  })

  it('refuses a secret that is sealed to another key, or not sealed', async () => {
    const stranger = sodium.crypto_box_keypair().publicKey
    const box = Buffer.from(sodium.crypto_box_seal(API_KEY, stranger)).toString('base64')
    for (const secret of [{ sealed: box }, { sealed: 'AAAA' }, { sealed: '!' }]) {
      const fault = await expectFault(create({ config: { apiKey: secret } }), 'invalid_request')
      expect(fault.fields).toEqual([
        { field: 'connection.config.apiKey', message: expect.stringContaining('cannot be opened') },
      ])
    }
  })

  it('validates sealed secrets as those in clear', async () => {
    const config = { apiKey: await sealed('two\nlines'), baseUrl: 'http://example.com' }
    const fault = await expectFault(create({ config }), 'invalid_request')
    expect(fault.fields.map(({ field }) => field)).toEqual(['connection.config.apiKey', 'connection.config.baseUrl'])
    expect(JSON.stringify(fault.fields)).not.toContain('two')
  })

  it('refuses a taken name, a stale version and a missing key as over HTTP', async () => {
    const { id } = await create()
    const taken = await expectFault(create(), 'name_taken')
    expect(taken.fields).toEqual([{ field: 'connection.name', message: 'is taken' }])
    await expectFault(request(bus, updateConnection, [], { id, ifVersion: 7, changes: {} }), 'version_conflict')
    await expectFault(request(bus, deleteConnection, [], { id, ifVersion: 7 }), 'version_conflict')
    const missing = await expectFault(create({ name: 'b', config: {} }), 'invalid_request')
    expect(missing.fields).toEqual([{ field: 'connection.config.apiKey', message: 'is required' }])
  })

  it.each([
    'connections.v1.list',
    'connections.v1.get',
    'connections.v1.create',
    'connections.v1.update',
    'connections.v1.delete',
    'connections.v1.credential',
  ])('a malformed message on %s gets a reply at once, and the service goes on', async (subject) => {
    for (const message of ['', 'no json', '[]', '"x"', '{"limit": "x", "id": 7}', Buffer.from([255, 0, 254])]) {
      const response = await bus.connection.request(subject, message, { timeout: 1_000 })
      // An empty request is an empty document, which lists everything.
      if (subject === 'connections.v1.list' && message === '') continue
      expect(response.headers?.get('Nats-Service-Error-Code'), String(message)).toBe('invalid_request')
    }
    expect(await request(bus, listConnections, [], {})).toEqual({ items: [] })
  })
})

describe('a credential', () => {
  let gateway: { publicKey: string; privateKey: Uint8Array }
  beforeAll(() => {
    const pair = sodium.crypto_box_keypair()
    gateway = { publicKey: Buffer.from(pair.publicKey).toString('base64'), privateKey: pair.privateKey }
  })
  const fetchCredential = (connectionId: string, version: number, publicKey = gateway.publicKey) =>
    request(bus, credential, [], { connectionId, version, publicKey })
  const open = (box: string) =>
    JSON.parse(
      sodium.crypto_box_seal_open(
        Buffer.from(box, 'base64'),
        Buffer.from(gateway.publicKey, 'base64'),
        gateway.privateKey,
        'text',
      ),
    )

  it('is returned sealed to the requester, whether it was set over the bus or HTTP', async () => {
    const { id } = await create()
    const reply = await fetchCredential(id, 1)
    expect(reply).toMatchObject({ connectionId: id, version: 1 })
    expect(open(reply.sealed)).toEqual({ apiKey: API_KEY })
    const other = await connections.call('POST', '/api/v1/connections', { ...openAiConnection, name: 'other' })
    expect(open((await fetchCredential(other.body.id, 1)).sealed)).toEqual(openAiConnection.config)
  })

  it('is returned in its current version to requests for that version or an older one', async () => {
    const { id } = await create()
    await expectFault(fetchCredential(id, 2), 'credential_unavailable', 'does not exist yet: the current version is 1')
    await expectFault(
      fetchCredential(id, 1e20),
      'credential_unavailable',
      'does not exist yet: the current version is 1',
    )
    for (const [index, key] of ['sk-second', 'sk-third'].entries()) {
      const changes = { config: { apiKey: await sealed(key) } }
      const view = await request(bus, updateConnection, [], { id, changes })
      expect(view.credential).toMatchObject({ version: index + 2, hint: '…' })
    }
    expect(open((await fetchCredential(id, 3)).sealed)).toEqual({ apiKey: 'sk-third' })
    for (const version of [1, 2]) {
      const reply = await fetchCredential(id, version)
      expect([reply.version, open(reply.sealed)]).toEqual([3, { apiKey: 'sk-third' }])
    }
  })

  it('is not found for an unknown connection, or one without a credential', async () => {
    for (const id of ['no-uuid', '0199a7c2-4d0e-7c3e-9d5f-0f6d6b0a1b2c'])
      await expectFault(fetchCredential(id, 1), 'not_found')
    const config = { region: 'eu-central-1', iamRoleArn: 'arn:aws:iam::123456789012:role/sluice' }
    const bedrock = await connections.call('POST', '/api/v1/connections', {
      name: 'b',
      provider: 'aws-bedrock',
      config,
    })
    await expectFault(fetchCredential(bedrock.body.id, 1), 'not_found')
  })

  it('is not sealed to an invalid public key', async () => {
    const { id } = await create()
    const lowOrder = Buffer.alloc(32).toString('base64')
    for (const publicKey of ['', 'x', Buffer.alloc(31, 9).toString('base64'), `${gateway.publicKey} `, lowOrder]) {
      const fault = await expectFault(fetchCredential(id, 1, publicKey), 'invalid_request')
      expect(fault.fields.map(({ field }) => field)).toEqual(['publicKey'])
    }
  })

  it('is unavailable if it cannot be opened, with the reason in the log, and affects no other connection', async () => {
    const [good, moved, older, flipped, malformed] = [
      await create({ name: 'good' }),
      await create({ name: 'moved' }),
      await create({ name: 'older' }),
      await create({ name: 'flipped' }),
      await create({ name: 'malformed' }),
    ]
    const changes = { config: { apiKey: await sealed('sk-second') } }
    await request(bus, updateConnection, [], { id: older.id, changes })
    const envelopeOf = `(select envelope from connections.credentials where connection_id = $2 and version = 1)`
    const replace = `update connections.credentials set envelope = ${envelopeOf} where connection_id = $1 and version = $3`
    await sql.query(replace, [moved.id, good.id, 1])
    await sql.query(replace, [older.id, older.id, 2])
    await sql.query(
      `update connections.credentials set envelope = jsonb_set(envelope, '{ciphertext}', '"AAAA"') where connection_id = $1`,
      [flipped.id],
    )
    await sql.query(`update connections.credentials set envelope = '"none"' where connection_id = $1`, [malformed.id])
    await expectFault(fetchCredential(malformed.id, 1), 'credential_unavailable', 'cannot be opened')
    await expectFault(fetchCredential(moved.id, 1), 'credential_unavailable', 'cannot be opened')
    await expectFault(fetchCredential(older.id, 2), 'credential_unavailable', 'cannot be opened')
    await expectFault(fetchCredential(flipped.id, 1), 'credential_unavailable', 'cannot be opened')
    expect(open((await fetchCredential(good.id, 1)).sealed)).toEqual({ apiKey: API_KEY })
    for (const { id } of [moved, older, flipped]) {
      expect(connections.logs()).toMatch(new RegExp(`"connectionId":"${id}".*"reason":"not_authentic"`))
      expect((await request(bus, getConnection, [], { id })).credential?.fault?.reason).toBe('not_authentic')
    }
    expect((await request(bus, getConnection, [], { id: good.id })).credential).not.toHaveProperty('fault')
  })
})

async function expectFault(requesting: Promise<unknown>, code: string, message = ''): Promise<SluiceError> {
  const error = await requesting.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  expect(error).toBeInstanceOf(SluiceError)
  expect(error).toMatchObject({ code, message: expect.stringContaining(message) })
  return error as SluiceError
}
