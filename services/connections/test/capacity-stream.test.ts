import { type CapacityStatus, capacityStatus, SluiceError } from '@sluice/contracts'
import { type Bus, connectBus, serve } from '@sluice/messaging'
import { eventually, type TestDatabase, type TestNats, testDatabase, testNats } from '@sluice/testkit'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { openAiConnection, startConnections, type TestConnections } from './support/start-connections.ts'

let nats: TestNats
let database: TestDatabase
let connections: TestConnections
let bus: Bus
let url: string
let statusRequests = 0
let failure: SluiceError | undefined

beforeAll(async () => {
  ;[nats, database] = await Promise.all([testNats(), testDatabase('connections')])
  connections = await startConnections({ natsUrl: nats.url, databaseUrl: database.url })
  bus = await connectBus({ servers: nats.url, name: 'test' })
  const { body } = await connections.call('POST', '/api/v1/connections', openAiConnection)
  url = `${connections.adminUrl}/api/v1/connections/${body.id}/capacity/stream`
  serve(bus, capacityStatus, (_, [id = '']) => response(id), { onFault: () => undefined })
  await bus.connection.flush()
})
afterAll(async () => {
  await bus.close()
  await Promise.all([nats.stop(), database.drop()])
})
beforeEach(() => {
  statusRequests = 0
  failure = undefined
})

function response(connectionId: string): CapacityStatus {
  statusRequests++
  if (failure !== undefined) throw failure
  const window = {
    period: 'minute',
    metric: 'requests',
    limit: 10,
    used: statusRequests,
    reserved: 1,
    remaining: 9,
    resetMs: 5,
  } as const
  return { connectionId, windows: [window], coolDowns: [{ model: 'm', remainingMs: 700 }] }
}

const open = (signal?: AbortSignal) =>
  fetch(url, {
    headers: { authorization: `Bearer ${connections.operatorToken}` },
    ...(signal === undefined ? {} : { signal }),
  })

async function* eventsOf(response: Response) {
  if (response.body === null) throw new Error('a stream has a body')
  let text = ''
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const [, event, data = ''] = /^event: (\w+)\ndata: (.*)$/.exec(text.slice(0, end)) ?? []
      yield { event, data: JSON.parse(data) }
      text = text.slice(end + 2)
    }
  }
}

it('sends the capacity once a second, and stops requesting it when the client disconnects', async () => {
  const leaving = new AbortController()
  const response = await open(leaving.signal)
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  expect(response.headers.get('connection')).toBe('close')
  const events = eventsOf(response)
  const startedAtMs = performance.now()
  expect((await events.next()).value).toMatchObject({
    event: 'capacity',
    data: { windows: [{ used: 1, reserved: 1 }] },
  })
  expect((await events.next()).value).toMatchObject({ event: 'capacity', data: { windows: [{ used: 2 }] } })
  expect(performance.now() - startedAtMs).toBeGreaterThan(900)
  leaving.abort()
  const second = eventsOf(await open())
  await second.next()
  const requestsAtClose = statusRequests
  await second.next()
  await second.next()
  expect(statusRequests - requestsAtClose).toBeLessThanOrEqual(3)
  await second.return(undefined)
})

it('reports that the capacity is unavailable, goes on, and ends when the connection is deleted', async () => {
  failure = new SluiceError('unavailable', 'not now')
  const events = eventsOf(await open())
  expect((await events.next()).value).toMatchObject({ event: 'unavailable', data: { code: 'unavailable' } })
  failure = undefined
  expect((await events.next()).value).toMatchObject({ event: 'capacity' })
  failure = new SluiceError('connection_not_found', 'gone')
  expect((await events.next()).value).toMatchObject({ event: 'deleted' })
  expect((await events.next()).done).toBe(true)
})

it('requires an operator and an existing connection', async () => {
  expect((await fetch(url)).status).toBe(401)
  const other = url.replace(/connections\/[^/]+/, 'connections/0199a7c2-4d0e-7c3e-9d5f-0f6d6b0a1b2c')
  const response = await fetch(other, { headers: { authorization: `Bearer ${connections.operatorToken}` } })
  expect(response.status).toBe(404)
})

it('supports no HEAD, which would never end', async () => {
  const headers = { authorization: `Bearer ${connections.operatorToken}` }
  const response = await fetch(url, { method: 'HEAD', headers, signal: AbortSignal.timeout(3_000) })
  expect(response.status).toBe(405)
  expect(response.headers.get('allow')).toBe('GET')
})

/** Opens streams with these tokens, and closes them again by the signal. */
const openAll = (tokens: readonly string[], signal: AbortSignal) =>
  Promise.all(tokens.map((token) => fetch(url, { headers: { authorization: `Bearer ${token}` }, signal })))

async function refusals(responses: readonly Response[]): Promise<{ code: string; detail: string }[]> {
  const refused = responses.filter(({ status }) => status === 429)
  return Promise.all(refused.map(async (response) => (await response.json()) as { code: string; detail: string }))
}

async function tokens(count: number): Promise<string[]> {
  const made = Array.from({ length: count }, (_, index) =>
    connections.call('POST', '/api/v1/operator-tokens', { name: `watcher ${index}`, role: 'viewer' }),
  )
  return (await Promise.all(made)).map(({ body }) => body.token)
}

it('allows twenty streams per operator token with its sessions, and leaves room for others', async () => {
  const [one = '', other = ''] = await tokens(2)
  const leaving = new AbortController()
  const login = await fetch(`${connections.adminUrl}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: one }),
  })
  const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? ''
  const ofSession = await Promise.all(
    Array.from({ length: 5 }, () => fetch(url, { headers: { cookie }, signal: leaving.signal })),
  )
  expect(ofSession.map(({ status }) => status)).toEqual(Array(5).fill(200))
  const refused = await refusals(await openAll(Array(20).fill(one), leaving.signal))
  expect(refused).toHaveLength(5)
  for (const { code, detail } of refused) {
    expect(code).toBe('rate_limited')
    expect(detail).toContain('This operator token has 20 open capacity streams')
  }
  expect(await refusals(await openAll(Array(20).fill(other), leaving.signal))).toEqual([])
  leaving.abort()
})

it('allows a hundred streams in all', async () => {
  const leaving = new AbortController()
  const watchers = await tokens(6)
  const opened = await openAll(
    watchers.flatMap((token) => Array(20).fill(token)),
    leaving.signal,
  )
  const refused = await refusals(opened)
  // Streams of earlier tests may not have ended yet.
  expect(refused.length).toBeGreaterThanOrEqual(20)
  expect(refused.length).toBeLessThan(60)
  for (const { detail } of refused) expect(detail).toContain('There are 100 open capacity streams')
  leaving.abort()
  await eventually(async () => {
    const again = await Promise.all(Array.from({ length: 20 }, () => open()))
    await Promise.all(again.map(({ body }) => body?.cancel()))
    expect(again.map(({ status }) => status)).toEqual(again.map(() => 200))
  })
})

it('ends when the operator’s token is revoked', async () => {
  const { body } = await connections.call('POST', '/api/v1/operator-tokens', { name: 'watcher', role: 'viewer' })
  const events = eventsOf(await fetch(url, { headers: { authorization: `Bearer ${body.token}` } }))
  expect((await events.next()).value).toMatchObject({ event: 'capacity' })
  await connections.call('DELETE', `/api/v1/operator-tokens/${body.id}`)
  for await (const { event } of events) expect(event).toBe('capacity')
})

it('does not count clients that disconnected before their stream started', async () => {
  const sql = new pg.Client({ connectionString: database.url })
  await sql.connect()
  const waiting = async () => {
    // Of this database alone: services of other databases on the same server wait for locks of their own.
    const { rows } = await sql.query<{ n: number }>(
      `select count(*)::int as n from pg_locks join pg_database on oid = database
       where not granted and datname = current_database()`,
    )
    return rows[0]?.n
  }
  // As many as one token may have open.
  for (let left = 0; left < 20; left++) {
    await sql.query('begin; lock table connections.connections in access exclusive mode')
    const leaving = new AbortController()
    const refused = open(leaving.signal).catch((error: Error) => error.name)
    await eventually(async () => expect(await waiting()).toBe(1))
    leaving.abort()
    expect(await refused).toBe('AbortError')
    // The service has noticed the disconnect once it has responded to a later request.
    expect((await connections.call('GET', '/healthz')).status).toBe(200)
    await sql.query('rollback')
    await eventually(async () => expect(await waiting()).toBe(0))
  }
  await sql.end()
  const leaving = new AbortController()
  const responses = await Promise.all(Array.from({ length: 20 }, () => open(leaving.signal)))
  expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
  leaving.abort()
}, 60_000)

it('ends when the service stops', async () => {
  const events = eventsOf(await open())
  await events.next()
  const stopping = connections.stop()
  while (!(await events.next()).done);
  await stopping
})
