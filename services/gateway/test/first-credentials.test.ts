import {
  CONNECTION_DEFAULTS,
  credential,
  type ErrorCode,
  type ProjectedConnection,
  SluiceError,
} from '@sluice/contracts'
import { type Bus, connectBus, type Served, serve } from '@sluice/messaging'
import { eventually, type TestNats, testNats } from '@sluice/testkit'
import sodium from 'libsodium-wrappers'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { type Connection, prepareConnection } from '../src/admission/connection.ts'
import { LearnedModels } from '../src/estimate/learned-models.ts'
import { type CredentialCache, sealedCredentials } from '../src/upstream/credentials.ts'
import { fetchFirstCredentials } from '../src/upstream/first-credentials.ts'
import { createKeyPair } from '../src/upstream/sealed-box.ts'

let nats: TestNats
let bus: Bus
let responder: Served | undefined
let credentials: CredentialCache
let connections: Map<string, Connection>
let lines: { level: string; fields: Record<string, unknown>; text: string }[]
let requested: string[]
/** The ids that were fetched: unlike `requested`, without the repetitions of a request whose reply is slow. */
let fetched: string[]
let mostInFlight: number
let faults: unknown[]
/** The error that a connection's credential is refused with, by id. */
let refusals: Map<string, ErrorCode>

beforeAll(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'test' })
  await sodium.ready
})

afterAll(async () => {
  await bus.close()
  await nats.stop()
})

beforeEach(async () => {
  connections = new Map()
  lines = []
  requested = []
  fetched = []
  mostInFlight = 0
  faults = []
  refusals = new Map()
  const onFault = (error: unknown) => faults.push(error)
  credentials = sealedCredentials(bus, await createKeyPair(), () => performance.now(), onFault)
})

afterEach(async () => {
  await responder?.stop()
  responder = undefined
})

async function startResponder(beforeReply: () => Promise<void> = async () => undefined): Promise<void> {
  responder = serve(
    bus,
    credential,
    async ({ connectionId, version, publicKey }) => {
      requested.push(connectionId)
      await beforeReply()
      const code = refusals.get(connectionId)
      if (code !== undefined) throw new SluiceError(code, `refused: ${connectionId}`)
      const text = JSON.stringify({ apiKey: `sk-${connectionId}` })
      const sealed = sodium.crypto_box_seal(text, Buffer.from(publicKey, 'base64'))
      return { connectionId, version, sealed: Buffer.from(sealed).toString('base64') }
    },
    { onFault: () => undefined },
  )
  await bus.connection.flush()
}

function add(id: string, { enabled = true, version = 1, hasCredential = true } = {}): void {
  const settings: ProjectedConnection = {
    id,
    name: id,
    provider: 'openai',
    config: {},
    ...CONNECTION_DEFAULTS,
    enabled,
    version: 1,
    ...(hasCredential ? { credentialVersion: version } : {}),
  }
  connections.set(id, prepareConnection(settings, { allowInsecureLoopback: false }, new LearnedModels()))
}

function fetchAll(options: Parameters<typeof fetchFirstCredentials>[3] = {}): Promise<void> {
  const log = (level: string) => (fields: unknown, text?: unknown) => {
    if (typeof fields === 'string') lines.push({ level, fields: {}, text: fields })
    else lines.push({ level, fields: fields as Record<string, unknown>, text: String(text) })
  }
  const logger = { warn: log('warn'), info: log('info') }
  let inFlight = 0
  const fetch: CredentialCache['fetch'] = async (id, version) => {
    fetched.push(id)
    mostInFlight = Math.max(mostInFlight, ++inFlight)
    return credentials.fetch(id, version).finally(() => inFlight--)
  }
  return fetchFirstCredentials({ all: () => connections.values() }, { fetch }, logger, {
    retryAfterMs: 20,
    ...options,
  })
}

/** Resolves when it waits, and says so. */
const waits = () => eventually(() => expect(lines.map(({ text }) => text)).toEqual([expect.stringMatching(/^waiting/)]))

function isHeld(id: string): boolean {
  const found = credentials.get(id, { oldest: 1, newest: 1 })
  if (!(found instanceof Promise)) return true
  found.catch(() => undefined)
  return false
}

it('fetches the credential of every enabled connection, 32 at a time', async () => {
  await startResponder(() => new Promise((resolve) => setImmediate(resolve)))
  for (let i = 0; i < 500; i++) add(`c${i}`)
  add('off', { enabled: false })
  add('keyless', { hasCredential: false })
  await fetchAll()
  expect(fetched.toSorted()).toEqual([...connections.keys()].slice(0, 500).toSorted())
  expect([...connections.keys()].slice(0, 500).every(isHeld)).toBe(true)
  expect(mostInFlight).toBe(32)
  expect([lines, faults]).toEqual([[], []])
})

it('waits for an absent service, logs that once, and continues when it is there', async () => {
  for (let i = 0; i < 100; i++) add(`c${i}`)
  const fetching = fetchAll()
  await waits()
  await startResponder()
  await fetching
  expect([...connections.keys()].every(isHeld)).toBe(true)
  expect(lines).toMatchObject([
    { level: 'warn', fields: { credentials: 100, err: { message: expect.stringContaining('No service responds') } } },
    { level: 'info', text: 'the credentials have arrived' },
  ])
  expect(faults).toEqual([])
})

it.each(['unavailable', 'internal'] as const)(
  'waits while the service replies %s, fetching one credential at a time',
  async (code) => {
    await startResponder()
    for (let i = 0; i < 100; i++) {
      add(`c${i}`)
      refusals.set(`c${i}`, code)
    }
    const fetching = fetchAll()
    await eventually(() => expect(requested.length).toBeGreaterThan(5))
    expect(new Set(requested.slice(0, 5)).size).toBe(5)
    await waits()
    refusals.clear()
    await fetching
    expect([...connections.keys()].every(isHeld)).toBe(true)
  },
)

it('tries a service that fails in the middle a few times only', async () => {
  await startResponder(async () => {
    if (requested.length !== 40) return
    for (const id of connections.keys()) refusals.set(id, 'unavailable')
  })
  for (let i = 0; i < 1_000; i++) add(`c${i}`)
  const fetching = fetchAll({ retryAfterMs: 300 })
  await waits()
  expect(requested.length).toBeLessThan(40 + 2 * 32)
  refusals.clear()
  await fetching
  expect([...connections.keys()].every(isHeld)).toBe(true)
})

it('does not wait for a refused credential, whose connection is unavailable', async () => {
  await startResponder()
  for (const id of ['good', 'broken', 'gone']) add(id)
  refusals.set('broken', 'credential_unavailable').set('gone', 'not_found')
  await fetchAll()
  expect(requested.toSorted()).toEqual(['broken', 'gone', 'good'])
  expect(isHeld('good')).toBe(true)
  expect(lines).toMatchObject([{ level: 'warn', fields: { connections: 2, first: ['broken', 'gone'] } }])
})

it('resolves although all credentials are refused', async () => {
  await startResponder()
  add('broken')
  refusals.set('broken', 'credential_unavailable')
  await fetchAll()
  expect(lines).toHaveLength(1)
})

it('waits for a key service while no credential has arrived', async () => {
  await startResponder()
  for (const id of ['a', 'b', 'broken']) add(id)
  refusals.set('a', 'upstream_unreachable').set('b', 'upstream_unreachable').set('broken', 'credential_unavailable')
  const fetching = fetchAll({ keyPatienceMs: 0 })
  await waits()
  await eventually(() => expect(requested.length).toBeGreaterThan(10))
  refusals.delete('a')
  refusals.delete('b')
  await fetching
  expect(['a', 'b'].every(isHeld)).toBe(true)
})

it('waits only a while for a key service that fails for some credentials', async () => {
  await startResponder()
  for (let i = 0; i < 100; i++) add(`c${i}`)
  for (let i = 0; i < 100; i += 2) refusals.set(`c${i}`, 'upstream_unreachable')
  await fetchAll({ keyPatienceMs: 100 })
  expect([...connections.keys()].filter(isHeld)).toHaveLength(50)
  expect(lines.map(({ text }) => text.slice(0, 7))).toEqual(['waiting', 'some co', 'the cre'])
  expect(lines[1]?.fields).toMatchObject({ connections: 50 })
})

it('stops waiting for connections that are disabled or deleted meanwhile, and fetches the new version after a rotation', async () => {
  for (const id of ['disabled', 'deleted', 'rotated']) add(id)
  const fetching = fetchAll()
  await waits()
  add('disabled', { enabled: false })
  connections.delete('deleted')
  add('rotated', { version: 2 })
  await startResponder()
  await fetching
  expect(requested).toEqual(['rotated'])
  expect(credentials.get('rotated', { oldest: 2, newest: 2 })).not.toBeInstanceOf(Promise)
})
