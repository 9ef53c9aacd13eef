import { apiKeyProjection, connectionChanged, connectionProjection } from '@sluice/contracts'
import { type Bus, connectBus, openBucket, subscribeEvent } from '@sluice/messaging'
import { hashAccessToken } from '@sluice/service-kit'
import {
  breakableProxy,
  eventually,
  freePort,
  type TestDatabase,
  type TestNats,
  testDatabase,
  testNats,
} from '@sluice/testkit'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  openAiConnection,
  startConnections,
  type TestConnections,
  type TestConnectionsOptions,
} from './support/start-connections.ts'

let nats: TestNats
let database: TestDatabase
let bus: Bus
let sql: pg.Client
const started: TestConnections[] = []

beforeEach(async () => {
  ;[nats, database] = await Promise.all([testNats(), testDatabase('connections')])
  bus = await connectBus({ servers: nats.url, name: 'test', jetstreamTimeoutMs: 500 })
  sql = new pg.Client({ connectionString: database.url })
  await sql.connect()
})
afterEach(async () => {
  await bus.close()
  await sql.end()
  for (const service of started.splice(0)) await service.stop()
  await Promise.all([nats.stop(), database.drop()])
})

async function startService(over: Partial<TestConnectionsOptions> = {}): Promise<TestConnections> {
  const service = await startConnections({ natsUrl: nats.url, databaseUrl: database.url, ...over })
  started.push(service)
  return service
}

async function projected(id: string) {
  return (await (await openBucket(bus, connectionProjection)).get(id)).value
}

async function projectedKey(key: string) {
  return (await (await openBucket(bus, apiKeyProjection)).get(hashAccessToken(key))).value
}

describe('a change', () => {
  it('is projected without secrets, and published as an event', async () => {
    const service = await startService()
    const events: unknown[] = []
    subscribeEvent(
      bus,
      connectionChanged,
      (event) => events.push(event),
      () => undefined,
    )
    await bus.connection.flush()
    const { body } = await service.call('POST', '/api/v1/connections', openAiConnection)
    const path = `/api/v1/connections/${body.id}`
    await eventually(async () =>
      expect(await projected(body.id)).toEqual({
        id: body.id,
        name: 'openai-prod',
        provider: 'openai',
        config: {},
        credentialVersion: 1,
        capacity: openAiConnection.capacity,
        defaultMaxOutputTokens: 1_024,
        tokenReservation: 'bounded',
        onCapacityUnavailable: 'reject',
        maxWaitMs: 0,
        enforceDiscovered: false,
        allowAdministration: false,
        requestStreamUsage: true,
        enabled: true,
        version: 1,
      }),
    )
    await service.call('PATCH', path, { enabled: false, allowAdministration: true, requestStreamUsage: false })
    await service.call('PATCH', path, { config: { apiKey: 'sk-2' } })
    await eventually(async () =>
      expect(await projected(body.id)).toMatchObject({
        enabled: false,
        allowAdministration: true,
        requestStreamUsage: false,
        credentialVersion: 2,
        version: 3,
      }),
    )
    await service.call('DELETE', path)
    await eventually(async () => expect(await projected(body.id)).toBeUndefined())
    const about = { connectionId: body.id, name: 'openai-prod' }
    await eventually(() =>
      expect(events).toEqual([
        { ...about, change: 'created', version: 1 },
        { ...about, change: 'updated', version: 2 },
        { ...about, change: 'rotated', version: 3 },
        { ...about, change: 'deleted', version: 4 },
      ]),
    )
    await eventually(async () => expect((await sql.query('select 1 from connections.outbox')).rowCount).toBe(0))
  })

  it('is projected under the hash if it is of an API key, a revocation at once', async () => {
    const service = await startService()
    const { body } = await service.call('POST', '/api/v1/api-keys', {
      name: 'app',
      connections: '*',
      expiresAt: '2100-01-01T00:00:00Z',
    })
    await eventually(async () =>
      expect(await projectedKey(body.key)).toEqual({
        id: body.id,
        name: 'app',
        connections: '*',
        expiresAtMs: Date.UTC(2100, 0, 1),
      }),
    )
    await service.call('DELETE', `/api/v1/api-keys/${body.id}`)
    await eventually(async () => expect(await projectedKey(body.key)).toBeUndefined(), { timeoutMs: 900 })
  })

  it('is published by another instance when the one that made it crashed', async () => {
    const { operatorToken, ...first } = await startService()
    const { body } = await first.call('POST', '/api/v1/connections', openAiConnection)
    await eventually(async () => expect(await projected(body.id)).toBeDefined())
    await startService({ operatorToken })
    await started.shift()?.stop()
    // What an instance that dies right after its commit leaves.
    await sql.query(`update connections.connections set enabled = false, version = 2`)
    const change = { connectionId: body.id, name: body.name, change: 'updated', version: 2 }
    await sql.query(`insert into connections.outbox (kind, key, change) values ('connection', $1, $2)`, [
      body.id,
      change,
    ])
    await eventually(async () => expect(await projected(body.id)).toMatchObject({ enabled: false, version: 2 }))
  })
})

describe('instances that publish at the same time', () => {
  it('end with the stored state, and publish each change once and in order', async () => {
    const first = await startService()
    const second = await startService({ operatorToken: first.operatorToken })
    const versions = new Map<string, number[]>()
    subscribeEvent(
      bus,
      connectionChanged,
      ({ connectionId, version }) => versions.set(connectionId, [...(versions.get(connectionId) ?? []), version]),
      () => undefined,
    )
    await bus.connection.flush()
    const ids: string[] = []
    for (const name of ['a', 'b', 'c']) {
      ids.push((await first.call('POST', '/api/v1/connections', { ...openAiConnection, name })).body.id)
    }
    const changes = Array.from({ length: 60 }, (_, index) => ({ index, id: ids[index % 3] }))
    const responses = await Promise.all(
      changes.map(({ index, id }) =>
        (index % 2 === 0 ? first : second).call('PATCH', `/api/v1/connections/${id}`, { maxWaitMs: index }),
      ),
    )
    const storedChanges = responses.filter(({ status }) => status === 200).length
    expect(storedChanges).toBeGreaterThan(10)
    await eventually(async () => {
      for (const id of ids) {
        const { body } = await first.call('GET', `/api/v1/connections/${id}`)
        expect(await projected(id)).toMatchObject({ version: body.version, maxWaitMs: body.maxWaitMs })
        expect(versions.get(id)).toEqual(Array.from({ length: body.version }, (_, index) => index + 1))
      }
    })
  })
})

describe('the lock of the outbox', () => {
  const keyOf = async (service: TestConnections): Promise<{ id: string; key: string }> => {
    const { body } = await service.call('POST', '/api/v1/api-keys', { name: 'k', connections: '*' })
    await eventually(async () => expect(await projectedKey(body.key)).toBeDefined())
    return body
  }

  it('is no advisory lock, which another role could take to delay a revocation', async () => {
    const service = await startService()
    const { id, key } = await keyOf(service)
    // Of this database alone: in another of the same server, a service may be migrating under a lock.
    const locks = await sql.query(
      `select objid from pg_locks join pg_database on oid = database
       where locktype = 'advisory' and datname = current_database()`,
    )
    expect(locks.rows).toEqual([])
    const other = new pg.Client({ connectionString: database.url })
    await other.connect()
    try {
      await other.query('select pg_advisory_lock(n) from generate_series(7350000, 7350010) as n')
      expect((await service.call('DELETE', `/api/v1/api-keys/${id}`)).status).toBe(204)
      await eventually(async () => expect(await projectedKey(key)).toBeUndefined())
    } finally {
      await other.end()
    }
  })

  it('is reported once in the log if another session holds it for long, and changes are published when it is free', async () => {
    const service = await startService()
    const { id, key } = await keyOf(service)
    await sql.query(`begin; select name from connections.locks where name = 'outbox' for update`)
    expect((await service.call('DELETE', `/api/v1/api-keys/${id}`)).status).toBe(204)
    const warnings = () => service.logs().split('the lock of the outbox').length - 1
    await eventually(() => expect(warnings()).toBe(1), { timeoutMs: 10_000 })
    expect(await projectedKey(key)).toBeDefined()
    await sql.query('rollback')
    await eventually(async () => expect(await projectedKey(key)).toBeUndefined())
    await eventually(() => expect(service.logs()).toContain('the outbox is free'))
    expect(warnings()).toBe(1)
  })
})

describe('while NATS is unreachable', () => {
  it('serves the admin API, and publishes all changes when it is back', async () => {
    const service = await startService()
    const kept = await service.call('POST', '/api/v1/connections', { ...openAiConnection, name: 'kept' })
    const deleted = await service.call('POST', '/api/v1/connections', { ...openAiConnection, name: 'deleted' })
    await eventually(async () => expect(await projected(deleted.body.id)).toBeDefined())
    await nats.kill()
    const created = await service.call('POST', '/api/v1/connections', openAiConnection)
    expect(created.status).toBe(201)
    expect((await service.call('DELETE', `/api/v1/connections/${deleted.body.id}`)).status).toBe(204)
    expect((await service.call('GET', '/api/v1/connections')).body.items).toHaveLength(2)
    expect((await service.call('GET', `/api/v1/connections/${kept.body.id}/capacity`)).status).toBe(503)
    const ready = await fetch(`${service.adminUrl}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready', database: true, bus: false }])
    await nats.restart()
    await eventually(
      async () => {
        expect(await projected(created.body.id)).toMatchObject({ name: 'openai-prod' })
        expect(await projected(deleted.body.id)).toBeUndefined()
      },
      { timeoutMs: 15_000 },
    )
  })

  it('starts, and serves the bus once it is reachable', async () => {
    await nats.kill()
    const service = await startService()
    const { status, body } = await service.call('POST', '/api/v1/connections', openAiConnection)
    expect(status).toBe(201)
    await nats.restart()
    await eventually(async () => expect(await projected(body.id)).toMatchObject({ name: 'openai-prod' }), {
      timeoutMs: 15_000,
    })
  })
})

describe('projections that are wrong', () => {
  it('are corrected at start: missing, stale, leftover and malformed entries', async () => {
    const first = await startService()
    const [missing, stale, malformed] = await Promise.all(
      ['missing', 'stale', 'malformed'].map(async (name) => {
        const { body } = await first.call('POST', '/api/v1/connections', { ...openAiConnection, name })
        return String(body.id)
      }),
    )
    const { body: apiKey } = await first.call('POST', '/api/v1/api-keys', { name: 'app', connections: '*' })
    await eventually(async () => expect(await projectedKey(apiKey.key)).toBeDefined())
    await started.shift()?.stop()
    const bucket = await openBucket(bus, connectionProjection)
    const keys = await openBucket(bus, apiKeyProjection)
    const right = (await bucket.get(stale ?? '')).value
    if (right === undefined || missing === undefined || stale === undefined || malformed === undefined) {
      return expect.unreachable()
    }
    await bucket.erase(missing)
    await bucket.put(stale, { ...right, enabled: false, version: 99 })
    await bucket.put('left-over', { ...right, id: 'left-over' })
    await bus.jetstream.publish(`$KV.connections.${malformed}`, 'no json')
    await keys.put('0'.repeat(64), { id: 'x', name: 'forged', connections: '*' })
    await startService({ operatorToken: first.operatorToken })
    await eventually(async () => {
      for (const [id, name] of [
        [missing, 'missing'],
        [stale, 'stale'],
        [malformed, 'malformed'],
      ] as const) {
        expect((await bucket.get(id)).value).toEqual({ ...right, id, name })
      }
      expect((await bucket.get('left-over')).value).toBeUndefined()
      expect((await keys.get('0'.repeat(64))).value).toBeUndefined()
      expect(await projectedKey(apiKey.key)).toMatchObject({ name: 'app' })
    })
  })

  it('are restored when the bus loses them while the service is disconnected', async () => {
    // The server sends its clients its address; this one sends the proxy's, so that no client reconnects past it.
    const port = await freePort()
    const away = await testNats({ extraConfig: `client_advertise: "127.0.0.1:${port}"` })
    const proxy = await breakableProxy(away.url, port)
    const direct = await connectBus({ servers: away.url, name: 'test' })
    const service = await startService({ natsUrl: proxy.url })
    const { body: kept } = await service.call('POST', '/api/v1/connections', { ...openAiConnection, name: 'kept' })
    await eventually(() => expectEntries(direct, 1))
    await eventually(async () => expect((await sql.query('select 1 from connections.outbox')).rowCount).toBe(0))
    await proxy.cut()
    await direct.jetstreamManager.streams.delete('KV_connections')
    await direct.jetstreamManager.streams.delete('KV_api-keys')
    await proxy.mend()
    await eventually(() => expectEntries(direct, 1), { timeoutMs: 15_000 })
    expect((await (await openBucket(direct, connectionProjection)).get(kept.id)).value).toBeDefined()
    await direct.close()
    await away.stop()
    await proxy.cut()
  })

  it('are restored when the buckets are lost while the service runs', async () => {
    const service = await startService()
    const { body: kept } = await service.call('POST', '/api/v1/connections', { ...openAiConnection, name: 'kept' })
    await eventually(async () => expect(await projected(kept.id)).toBeDefined())
    await bus.jetstreamManager.streams.delete('KV_connections')
    const { body: next } = await service.call('POST', '/api/v1/connections', { ...openAiConnection, name: 'next' })
    await eventually(() => expectEntries(bus, 2))
    expect(await projected(next.id)).toBeDefined()
    expect(await projected(kept.id)).toBeDefined()
  })
})

/** Reads the bucket's stream, since opening the bucket would create it again. */
async function expectEntries(on: Bus, count: number): Promise<void> {
  const { streams } = on.jetstreamManager
  const { state } = await streams.info('KV_connections', { subjects_filter: '$KV.connections.*' })
  const entries = Object.keys(state.subjects ?? {}).filter((subject) => subject !== '$KV.connections.=complete')
  expect(entries).toHaveLength(count)
}
