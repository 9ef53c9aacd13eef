import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { credential, sealingKey } from '@sluice/contracts'
import { connectBus, request } from '@sluice/messaging'
import { isAccessToken } from '@sluice/service-kit'
import {
  type BreakableProxy,
  breakableProxy,
  eventually,
  freePort,
  type TestDatabase,
  type TestNats,
  testDatabase,
  testNats,
} from '@sluice/testkit'
import sodium from 'libsodium-wrappers'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { credentialReader } from './support/credential-reader.ts'
import { openAiConnection, startConnections, type TestConnectionsOptions } from './support/start-connections.ts'

let nats: TestNats
let database: TestDatabase
let proxy: BreakableProxy
let folder: string
const cleanups: (() => Promise<void>)[] = []

beforeEach(async () => {
  ;[nats, database] = await Promise.all([testNats(), testDatabase('connections')])
  proxy = await breakableProxy(database.url)
  folder = await mkdtemp(join(tmpdir(), 'sluice-connections-test-'))
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
  await Promise.all([nats.stop(), database.drop(), rm(folder, { recursive: true })])
})

async function startService(over: Partial<TestConnectionsOptions> = {}) {
  const service = await startConnections({ natsUrl: nats.url, databaseUrl: proxy.url, ...over })
  cleanups.push(service.stop)
  return service
}

async function queried(statement: string, values: unknown[] = []) {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  try {
    return (await client.query(statement, values)).rows
  } finally {
    await client.end()
  }
}

async function expectUnavailable(call: () => Promise<{ status: number; headers: Headers; body: { code?: string } }>) {
  const startedAtMs = performance.now()
  const response = await call()
  expect(response.status).toBe(503)
  expect(response.body.code).toBe('unavailable')
  expect(response.headers.get('retry-after')).toBe('1')
  expect(performance.now() - startedAtMs).toBeLessThan(3_000)
}

describe('while PostgreSQL is unreachable', () => {
  it('responds 503 at once, and recovers by itself', async () => {
    const service = await startService()
    const { body } = await service.call('POST', '/api/v1/connections', openAiConnection)
    await proxy.cut()
    await expectUnavailable(() => service.call('GET', '/api/v1/connections'))
    await expectUnavailable(() => service.call('POST', '/api/v1/connections', openAiConnection))
    expect((await fetch(`${service.adminUrl}/healthz`)).status).toBe(200)
    expect((await fetch(`${service.adminUrl}/readyz`)).status).toBe(503)
    await proxy.mend()
    await eventually(async () => expect((await fetch(`${service.adminUrl}/readyz`)).status).toBe(200))
    expect((await service.call('GET', `/api/v1/connections/${body.id}`)).body).toEqual(body)
  })

  it('returns no credential, and says that all are affected', async () => {
    const service = await startService()
    const { body } = await service.call('POST', '/api/v1/connections', openAiConnection)
    const bus = await connectBus({ servers: nats.url, name: 'test' })
    cleanups.push(bus.close)
    const readCredential = await credentialReader(bus)
    await proxy.cut()
    await expect(readCredential(body.id)).rejects.toMatchObject({ code: 'unavailable' })
    await proxy.mend()
    await eventually(async () => expect(await readCredential(body.id)).toEqual(openAiConnection.config))
  })

  it('responds 503 to requests in progress, and keeps running', async () => {
    const service = await startService()
    const requests = Array.from({ length: 40 }, (_, index) =>
      service.call('POST', '/api/v1/connections', { ...openAiConnection, name: `c${index}` }),
    )
    await requests[0]
    await proxy.cut()
    const statuses = new Set((await Promise.all(requests)).map(({ status }) => status))
    for (const status of statuses) expect([201, 503]).toContain(status)
    await proxy.mend()
    await eventually(async () => expect((await service.call('GET', '/api/v1/connections')).status).toBe(200))
  })

  it('waits for it at start, alive but not ready', async () => {
    await proxy.cut()
    const port = await freePort()
    const starting = startService({ env: { ADMIN_PORT: String(port) } })
    const url = `http://127.0.0.1:${port}`
    await eventually(async () => expect((await fetch(`${url}/healthz`)).status).toBe(200))
    expect((await fetch(`${url}/readyz`)).status).toBe(503)
    await proxy.mend()
    const service = await starting
    expect((await service.call('GET', '/api/v1/connections')).status).toBe(200)
    expect(service.logs()).toContain('waiting for PostgreSQL')
  })

  it('reports a hanging server to each health probe in time, however many there are', async () => {
    const service = await startService()
    const ready = () => fetch(`${service.adminUrl}/readyz`)
    proxy.freeze()
    const askedAtMs = performance.now()
    // As many as could use up the pool of connections, if each had its own.
    const responses = await Promise.all(Array.from({ length: 30 }, ready))
    expect(responses.map(({ status }) => status)).toEqual(responses.map(() => 503))
    expect(performance.now() - askedAtMs).toBeLessThan(2_500)
    proxy.thaw()
    await eventually(async () => expect((await ready()).status).toBe(200))
  })

  it('does not wait when the start can never succeed', async () => {
    const url = new URL(database.url)
    url.pathname = '/no_such_database'
    await expect(startService({ databaseUrl: url.href })).rejects.toMatchObject({ code: '3D000' })
  })
})

describe('instances that start at the same time on an empty database', () => {
  it('migrate once, share one sealing key, and create one operator token', async () => {
    const tokenFile = join(folder, 'operator-token')
    const masterKey = randomBytes(32).toString('base64')
    const options = { masterKey, env: { OPERATOR_TOKEN_FILE: tokenFile }, operatorToken: 'in the file' }
    const [first] = await Promise.all([startService(options), startService(options), startService(options)])
    expect(await queried('select name from connections.operator_tokens')).toEqual([{ name: 'first' }])
    const token = (await readFile(tokenFile, 'utf8')).trim()
    expect(isAccessToken(token, 'slo')).toBe(true)
    expect((await stat(tokenFile)).mode & 0o777).toBe(0o600)
    const headers = { authorization: `Bearer ${token}` }
    expect((await first?.call('GET', '/api/v1/connections', undefined, headers))?.status).toBe(200)
    const bus = await connectBus({ servers: nats.url, name: 'test' })
    cleanups.push(bus.close)
    const keys = await Promise.all(Array.from({ length: 12 }, () => request(bus, sealingKey, [], {})))
    expect(new Set(keys.map(({ publicKey }) => publicKey)).size).toBe(1)
  })
})

describe('the operator token', () => {
  it('is not created again, and a missing file is reported with the command for another token', async () => {
    const service = await startService()
    const tokenFile = join(folder, 'other-file')
    const again = await startService({ env: { OPERATOR_TOKEN_FILE: tokenFile }, operatorToken: service.operatorToken })
    expect((await again.call('GET', '/api/v1/connections')).status).toBe(200)
    await expect(stat(tokenFile)).rejects.toMatchObject({ code: 'ENOENT' })
    expect(again.logs()).toContain('npm run operator-token -- <name> --role admin')
  })

  it('is stored only after its file is written', async () => {
    const env = { OPERATOR_TOKEN_FILE: join(folder, 'no', 'such', 'folder', 'token') }
    await expect(startService({ env })).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await queried('select 1 from connections.operator_tokens')).toEqual([])
  })
})

describe('with other master keys than before, the service', () => {
  it('reports what they cannot open as unavailable, and does everything else', async () => {
    const before = await startService({ masterKey: randomBytes(32).toString('base64') })
    const { body: old } = await before.call('POST', '/api/v1/connections', openAiConnection)
    await before.stop()
    cleanups.pop()
    const service = await startService({ operatorToken: before.operatorToken })
    const bus = await connectBus({ servers: nats.url, name: 'test' })
    cleanups.push(bus.close)
    await sodium.ready
    const publicKey = Buffer.from(sodium.crypto_box_keypair().publicKey).toString('base64')
    const wanted = { version: 1, publicKey }
    const fault = await request(bus, credential, [], { ...wanted, connectionId: old.id }).catch(
      (error: unknown) => error,
    )
    expect(fault).toMatchObject({ code: 'credential_unavailable', message: expect.stringContaining('is not loaded') })
    const withFault = {
      ...old,
      credential: { ...old.credential, fault: expect.objectContaining({ reason: 'unknown_key' }) },
    }
    expect((await service.call('GET', `/api/v1/connections/${old.id}`)).body).toEqual(withFault)
    const { body: fresh } = await service.call('POST', '/api/v1/connections', { ...openAiConnection, name: 'fresh' })
    await expect(request(bus, credential, [], { ...wanted, connectionId: fresh.id })).resolves.toBeDefined()
    await expect(request(bus, sealingKey, [], {})).resolves.toBeDefined()
    const rotated = await service.call('PATCH', `/api/v1/connections/${old.id}`, { config: { apiKey: 'sk-new' } })
    expect(rotated.status).toBe(200)
    await expect(request(bus, credential, [], { ...wanted, connectionId: old.id, version: 2 })).resolves.toBeDefined()
  })
})
