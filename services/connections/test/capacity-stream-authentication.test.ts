import { capacityStatus } from '@sluice/contracts'
import { type Bus, connectBus, serve } from '@sluice/messaging'
import {
  type BreakableProxy,
  breakableProxy,
  eventually,
  type TestDatabase,
  type TestNats,
  testDatabase,
  testNats,
} from '@sluice/testkit'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openAiConnection, startConnections, type TestConnections } from './support/start-connections.ts'

let nats: TestNats
let database: TestDatabase
let proxy: BreakableProxy
let connections: TestConnections
let bus: Bus
let sql: pg.Client
let statusRequests = 0

beforeEach(async () => {
  ;[nats, database] = await Promise.all([testNats(), testDatabase('connections')])
  proxy = await breakableProxy(database.url)
  connections = await startConnections({ natsUrl: nats.url, databaseUrl: proxy.url })
  bus = await connectBus({ servers: nats.url, name: 'test' })
  statusRequests = 0
  const onRequest = async (_: unknown, [connectionId = '']: readonly string[]) => {
    statusRequests++
    return { connectionId, windows: [], coolDowns: [] }
  }
  serve(bus, capacityStatus, onRequest, { onFault: () => undefined })
  await bus.connection.flush()
  sql = new pg.Client({ connectionString: database.url })
  await sql.connect()
})
afterEach(async () => {
  await sql.end()
  await bus.close()
  await connections.stop()
  await Promise.all([nats.stop(), database.drop()])
})

/** Opens a stream of a new connection with a new viewer's token, and waits for its first event. */
async function openStream() {
  const { body: connection } = await connections.call('POST', '/api/v1/connections', openAiConnection)
  const token = await connections.call('POST', '/api/v1/operator-tokens', { name: 'watcher', role: 'viewer' })
  const response = await fetch(`${connections.adminUrl}/api/v1/connections/${connection.id}/capacity/stream`, {
    headers: { authorization: `Bearer ${token.body.token}` },
  })
  if (response.body === null) throw new Error('a stream has a body')
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  const first = await reader.read()
  expect(first.value).toContain('event: capacity')
  return { reader, tokenId: token.body.id as string }
}

async function endsWithoutEvent(reader: ReadableStreamDefaultReader<string>): Promise<void> {
  // An event that was sent before the change may still arrive.
  const read = [await reader.read(), await reader.read()]
  expect(read.at(-1)).toMatchObject({ done: true })
}

it('ends the stream when the database fails to authenticate its operator for another reason than an outage', async () => {
  const { reader } = await openStream()
  await sql.query('alter table connections.operator_tokens rename column hash to renamed')
  await endsWithoutEvent(reader)
  expect(connections.logs()).toContain('a capacity stream has failed')
})

it('ends the stream when the stored token has a role that does not exist', async () => {
  const { reader, tokenId } = await openStream()
  await sql.query(`update connections.operator_tokens set role = 'superuser' where id = $1`, [tokenId])
  await endsWithoutEvent(reader)
})

it('ends the stream when the token is revoked', async () => {
  const { reader, tokenId } = await openStream()
  await connections.call('DELETE', `/api/v1/operator-tokens/${tokenId}`)
  await endsWithoutEvent(reader)
})

it('goes on while the database is unreachable, and ends once it says that the token is revoked', async () => {
  const { reader, tokenId } = await openStream()
  await proxy.cut()
  const before = statusRequests
  await sql.query('delete from connections.operator_tokens where id = $1', [tokenId])
  for (let event = 0; event < 3; event++) expect((await reader.read()).value).toContain('event: capacity')
  expect(statusRequests).toBeGreaterThan(before)
  await proxy.mend()
  await eventually(async () => expect((await reader.read()).done).toBe(true))
})
