import { randomBytes } from 'node:crypto'
import { apiKeyProjection, connectionProjection, createConnection, credential, sealingKey } from '@sluice/contracts'
import { connectBus, openBucket, request } from '@sluice/messaging'
import { eventually, testDatabase, testNats } from '@sluice/testkit'
import sodium from 'libsodium-wrappers'
import pg from 'pg'
import { expect, it } from 'vitest'
import { openAiConnection, startConnections } from './support/start-connections.ts'

const canary = (name: string) => `sk-canary-${name}-${randomBytes(16).toString('hex')}`

/** Where a new credential is tried in vain. */
const NOWHERE = { baseUrl: 'https://sluice.invalid/v1' }

it('keeps every secret out of the database, the bus, the buckets, the logs and other responses', async () => {
  await sodium.ready
  const [nats, database] = await Promise.all([testNats(), testDatabase('connections')])
  const masterKey = randomBytes(32).toString('base64')
  const service = await startConnections({ natsUrl: nats.url, databaseUrl: database.url, masterKey })
  const bus = await connectBus({ servers: nats.url, name: 'test' })
  const traffic: string[] = []
  bus.connection.subscribe('>', { callback: (_, message) => traffic.push(`${message.subject} ${message.string()}`) })
  await bus.connection.flush()

  const responses: unknown[] = []
  const send = async (method: string, path: string, body?: unknown) => {
    const response = await service.call(method, path, body)
    responses.push(response.body)
    return response
  }
  const secrets = {
    created: canary('created'),
    rotated: canary('rotated'),
    rejected: canary('rejected'),
    sealed: canary('sealed'),
    invalid: `${canary('invalid')}\n`,
    misplaced: canary('misplaced'),
    operatorToken: service.operatorToken,
    masterKey,
  }

  const created = await send('POST', '/api/v1/connections', {
    ...openAiConnection,
    config: { apiKey: secrets.created },
  })
  const path = `/api/v1/connections/${created.body.id}`
  await send('PATCH', path, { config: { apiKey: secrets.rotated } })
  await send('PATCH', path, { description: 'a change besides' })
  expect((await send('POST', `${path}/rotate`, { config: { apiKey: secrets.rejected, ...NOWHERE } })).status).toBe(502)
  await send('GET', `${path}/credentials`)
  expect(
    (await send('POST', '/api/v1/connections', { ...openAiConnection, config: { apiKey: secrets.invalid } })).status,
  ).toBe(400)
  const misplaced = {
    ...openAiConnection,
    name: secrets.misplaced,
    provider: secrets.misplaced,
    capacity: secrets.misplaced,
  }
  expect((await send('POST', '/api/v1/connections', misplaced)).status).toBe(400)
  expect((await send('POST', '/api/v1/connections', { ...openAiConnection, name: 'openai-prod' })).status).toBe(409)
  for (const read of ['/api/v1/connections', path, '/api/v1/providers', '/api/v1/openapi.json']) await send('GET', read)

  const { publicKey } = await request(bus, sealingKey, [], {})
  const box = sodium.crypto_box_seal(secrets.sealed, Buffer.from(publicKey, 'base64'))
  const config = { apiKey: { sealed: Buffer.from(box).toString('base64') } }
  const overBus = { name: 'over-bus', provider: 'openai' as const, config }
  responses.push(await request(bus, createConnection, [], { connection: overBus }))
  const gateway = sodium.crypto_box_keypair()
  const handedOut = await request(bus, credential, [], {
    connectionId: created.body.id,
    version: 2,
    publicKey: Buffer.from(gateway.publicKey).toString('base64'),
  })
  const plaintext = sodium.crypto_box_seal_open(
    Buffer.from(handedOut.sealed, 'base64'),
    gateway.publicKey,
    gateway.privateKey,
    'text',
  )
  expect(JSON.parse(plaintext)).toEqual({ apiKey: secrets.rotated })
  const apiKey = await service.call('POST', '/api/v1/api-keys', { name: 'app', connections: '*' })
  const viewer = await service.call('POST', '/api/v1/operator-tokens', { name: 'viewer', role: 'viewer' })
  const session = await service.call('POST', '/api/v1/session', { token: viewer.body.token })
  responses.push(session.body)
  const [cookie = ''] = (session.headers.get('set-cookie') ?? '').split(';', 1)
  await service.call('POST', '/api/v1/api-keys', {}, { authorization: `Bearer ${viewer.body.token}` })
  await service.call('GET', '/api/v1/api-keys', undefined, { authorization: `Bearer ${apiKey.body.key}` })
  await service.call('DELETE', '/api/v1/session', undefined, { authorization: '', cookie })
  for (const read of ['/api/v1/api-keys', '/api/v1/operator-tokens', '/api/v1/audit-log']) await send('GET', read)
  Object.assign(secrets, {
    apiKey: apiKey.body.key,
    viewerToken: viewer.body.token,
    session: cookie.replace('sluice_session=', ''),
  })

  const bucket = await openBucket(bus, connectionProjection)
  await eventually(async () => expect((await bucket.get(created.body.id)).value).toMatchObject({ version: 3 }))
  const stored: unknown[] = []
  const watchOptions = {
    onEntry: ({ value }: { value: unknown }) => stored.push(value),
    onFault: (error: unknown) => expect.unreachable(String(error)),
  }
  for (const opened of [bucket, await openBucket(bus, apiKeyProjection)]) (await opened.watch(watchOptions)).stop()
  const dump = await dumped(database.url)
  const written: Readonly<Record<string, string>> = {
    'the database': dump,
    'the bus': traffic.join('\n'),
    'the buckets': JSON.stringify(stored),
    'the logs': service.logs(),
    'the responses': JSON.stringify(responses),
  }
  await bus.close()
  await service.stop()
  await Promise.all([nats.stop(), database.drop()])

  // What is searched holds what it should: an empty dump would hold no secret either.
  expect(dump).toContain('"keyService": "libsodium"')
  expect(written['the bus']).toContain(`connections.v1.changed.${created.body.id}`)
  expect(written['the buckets']).toContain('over-bus')
  expect(written['the logs']).toContain('"route":"/api/v1/connections"')
  expect(written['the responses']).toContain('is taken')
  expect(written['the responses']).toContain('login.refused')
  for (const secret of Object.values(secrets)) expect(secret.length).toBeGreaterThan(30)
  for (const [place, text] of Object.entries(written)) {
    for (const [name, secret] of Object.entries(secrets)) {
      for (const [form, shown] of Object.entries(formsOf(secret.trim()))) {
        expect(text.includes(shown), `the secret "${name}" (${form}) is in ${place}`).toBe(false)
      }
    }
  }
})

/** How a secret may be written down without looking like itself. */
function formsOf(secret: string): Record<string, string> {
  const bytes = Buffer.from(secret)
  return { plain: secret, base64: bytes.toString('base64').slice(0, -4), hex: bytes.toString('hex') }
}

/** Every row of every table as text. */
async function dumped(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const tables = await client.query(
    `select table_name from information_schema.tables where table_schema = 'connections'`,
  )
  const rows: string[] = []
  for (const { table_name: table } of tables.rows) {
    const found = await client.query(`select t::text as row from connections.${table} t`)
    rows.push(...found.rows.map(({ row }) => `${table} ${String(row).replaceAll('""', '"')}`))
  }
  await client.end()
  return rows.join('\n')
}
