import { type AwsSimulator, type KmsKey, startAwsSimulator } from '@sluice/aws-simulator'
import { createConnection, sealingKey } from '@sluice/contracts'
import { type Bus, connectBus, request } from '@sluice/messaging'
import { eventually, type TestDatabase, type TestNats, testDatabase, testNats } from '@sluice/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { createSealedBoxes } from '../src/keys/sealed-boxes.ts'
import { credentialReader, type ReadCredential } from './support/credential-reader.ts'
import { kmsSettings } from './support/kms-settings.ts'
import { openAiConnection, startConnections, type TestConnections } from './support/start-connections.ts'

let nats: TestNats
let bus: Bus
let readCredential: ReadCredential
let database: TestDatabase
let kms: AwsSimulator
let key: KmsKey
let service: TestConnections
let operatorToken: string | undefined

beforeAll(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'test' })
  readCredential = await credentialReader(bus)
})
afterAll(async () => {
  await bus.close()
  await nats.stop()
})
beforeEach(async () => {
  ;[database, kms] = await Promise.all([testDatabase('connections'), startAwsSimulator()])
  key = kms.addKey()
  operatorToken = undefined
})
afterEach(async () => {
  await service.stop()
  await Promise.all([database.drop(), kms.stop()])
})

async function start(wrapping: KmsKey, over: Readonly<Record<string, string>> = {}) {
  const env = { KEY_SERVICE: 'aws-kms', MASTER_KEY: '', ...kmsSettings(kms, wrapping), ...over }
  const known = operatorToken === undefined ? {} : { operatorToken }
  service = await startConnections({ natsUrl: nats.url, databaseUrl: database.url, env, ...known })
  operatorToken = service.operatorToken
}

async function create(name: string): Promise<string> {
  const { status, body } = await service.call('POST', '/api/v1/connections', { ...openAiConnection, name })
  expect(status).toBe(201)
  return body.id
}

const credentialOf = async (id: string) => (await service.call('GET', `/api/v1/connections/${id}`)).body.credential

it('calls KMS when a version of a credential is first opened, and not for each gateway', async () => {
  await start(key)
  const id = await create('prod')
  const before = kms.requests.count('Decrypt')
  const read = await Promise.all(Array.from({ length: 20 }, () => readCredential(id)))
  expect(new Set(read.map(({ apiKey }) => apiKey))).toEqual(new Set([openAiConnection.config.apiKey]))
  expect(kms.requests.count('Decrypt') - before).toBe(1)
  await service.call('PATCH', `/api/v1/connections/${id}`, { config: { apiKey: 'sk-second' } })
  for (const version of [2, 1]) expect(await readCredential(id, version)).toEqual({ apiKey: 'sk-second' })
  expect(kms.requests.count('Decrypt') - before).toBe(2)
})

it('reports a disabled key once in status and log, and its end, while everything else runs', async () => {
  const other = kms.addKey()
  await start(key)
  const broken = await create('broken')
  await service.stop()
  await start(other)
  const working = await create('working')
  key.state = 'Disabled'
  const fault = { code: 'credential_unavailable', message: expect.stringContaining('is disabled') }
  for (let attempt = 0; attempt < 3; attempt++) await expect(readCredential(broken)).rejects.toMatchObject(fault)
  expect(await credentialOf(broken)).toMatchObject({
    set: true,
    fault: { reason: 'key_refused', message: `the KMS key ${key.arn} is disabled (DisabledException)` },
  })
  expect(service.logs().match(/a stored credential cannot be opened/g)).toHaveLength(1)
  expect(await readCredential(working)).toEqual(openAiConnection.config)
  expect(await credentialOf(working)).not.toHaveProperty('fault')

  key.state = 'Enabled'
  await eventually(async () => expect(await readCredential(broken)).toEqual(openAiConnection.config))
  expect(await credentialOf(broken)).not.toHaveProperty('fault')
  expect(service.logs()).toContain('a stored credential can be opened again')
})

it('keeps running without KMS as far as possible, and fully once KMS is back', async () => {
  await start(key)
  const [opened, closed] = [await create('opened'), await create('closed')]
  await readCredential(opened)
  await kms.takeDown()
  expect(await readCredential(opened)).toEqual(openAiConnection.config)
  await expect(readCredential(closed)).rejects.toMatchObject({ code: 'upstream_unreachable' })
  const message = expect.stringContaining('ECONN')
  expect((await credentialOf(closed)).fault).toMatchObject({ reason: 'key_unavailable', message })
  const refused = await service.call('POST', '/api/v1/connections', { ...openAiConnection, name: 'new' })
  expect(refused).toMatchObject({ status: 503, body: { code: 'credential_unavailable' } })
  expect(refused.headers.get('retry-after')).toBe('1')
  const renamed = await service.call('PATCH', `/api/v1/connections/${closed}`, { description: 'no secret in it' })
  expect(renamed.status).toBe(200)
  await kms.bringUp()
  await eventually(async () => expect(await readCredential(closed)).toEqual(openAiConnection.config))
  await create('new')
})

it('serves everything else while KMS does not respond to one request', async () => {
  await start(key)
  const [opened, closed] = [await create('opened'), await create('closed')]
  await service.stop()
  await start(key, { KMS_TIMEOUT_MS: '1000' })
  await eventually(async () => expect(await readCredential(opened)).toEqual(openAiConnection.config))
  kms.controls.add({ latencyMs: 60_000 })
  const waiting = readCredential(closed).catch((error: unknown) => error)
  let isWaiting = true
  const ended = waiting.then(() => {
    isWaiting = false
  })
  expect(await readCredential(opened)).toEqual(openAiConnection.config)
  expect((await service.call('GET', `/api/v1/connections/${closed}`)).status).toBe(200)
  expect(isWaiting).toBe(true)
  await ended
  expect(await waiting).toMatchObject({ code: 'upstream_unreachable' })
  expect((await credentialOf(closed)).fault).toMatchObject({ reason: 'key_unavailable' })
  kms.controls.clear()
  await eventually(async () => expect(await readCredential(closed)).toEqual(openAiConnection.config))
})

it('starts while KMS is unreachable, and creates its sealing key once KMS is reachable', async () => {
  await kms.takeDown()
  await start(key)
  expect((await service.call('GET', '/api/v1/connections')).body).toEqual({ items: [] })
  await expect(request(bus, sealingKey, [], {})).rejects.toMatchObject({ code: 'credential_unavailable' })
  await kms.bringUp()
  const { publicKey } = await request(bus, sealingKey, [], {})
  const config = { apiKey: { sealed: await sealedTo(publicKey, 'sk-over-the-bus') } }
  const { id } = await request(bus, createConnection, [], {
    connection: { ...openAiConnection, provider: 'openai', capacity: [], config },
  })
  expect(await readCredential(id)).toEqual({ apiKey: 'sk-over-the-bus' })
})

it('keeps its sealing key when it restarts without KMS', async () => {
  await start(key)
  const { publicKey } = await request(bus, sealingKey, [], {})
  await service.stop()
  await kms.takeDown()
  await start(key)
  await kms.bringUp()
  await eventually(async () => expect(await request(bus, sealingKey, [], {})).toEqual({ publicKey }))
})

async function sealedTo(publicKey: string, secret: string): Promise<string> {
  const sealed = (await createSealedBoxes()).seal(Buffer.from(secret), publicKey)
  if (sealed === undefined) throw new Error('no public key')
  return sealed
}
