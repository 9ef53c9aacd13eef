import { inspect } from 'node:util'
import { credential, SluiceError } from '@sluice/contracts'
import { type Bus, connectBus, type Served, serve } from '@sluice/messaging'
import { eventually, type TestNats, testNats } from '@sluice/testkit'
import sodium from 'libsodium-wrappers'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { type CredentialCache, sealedCredentials } from '../src/upstream/credentials.ts'
import { createKeyPair } from '../src/upstream/sealed-box.ts'

let nats: TestNats
let bus: Bus
let responder: Served
let credentials: CredentialCache
let nowMs: number
let faults: unknown[]
/** The replies to requests, by version; a promise holds the reply back. */
let sealedText: (version: number) => string | Promise<string>
let requestsMade: number[]
/** The version of the reply to a request. */
let responseHeaders: (version: number) => number

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
  nowMs = 0
  faults = []
  requestsMade = []
  responseHeaders = (version) => version
  sealedText = (version) => JSON.stringify({ apiKey: `sk-${version}` })
  const keyPair = await createKeyPair()
  credentials = sealedCredentials(
    bus,
    keyPair,
    () => nowMs,
    (error) => faults.push(error),
  )
  responder = serve(
    bus,
    credential,
    async ({ connectionId, version, publicKey }) => {
      requestsMade.push(version)
      const current = responseHeaders(version)
      const sealed = sodium.crypto_box_seal(await sealedText(current), Buffer.from(publicKey, 'base64'))
      return { connectionId, version: current, sealed: Buffer.from(sealed).toString('base64') }
    },
    { onFault: (error) => faults.push(error) },
  )
  await bus.connection.flush()
})

afterEach(() => responder.stop())

const reveal = async (newest: number, oldest = 1) => {
  const secrets = await credentials.get('c', { oldest, newest })
  return secrets === 'superseded' ? secrets : secrets.apiKey?.reveal()
}

it('fetches once for all requests that wait, and then no more', async () => {
  expect(await Promise.all([reveal(1), reveal(1), reveal(1)])).toEqual(['sk-1', 'sk-1', 'sk-1'])
  expect(credentials.get('c', { oldest: 1, newest: 1 })).not.toBeInstanceOf(Promise)
  expect(requestsMade).toEqual([1])
})

it('returns the old version until the new one has arrived', async () => {
  await reveal(1)
  const cached = Promise.withResolvers<string>()
  sealedText = () => cached.promise
  credentials.prefetch('c', 2)
  expect(await reveal(2)).toBe('sk-1')
  cached.resolve(JSON.stringify({ apiKey: 'sk-2' }))
  await eventually(async () => expect(await reveal(2)).toBe('sk-2'))
  // The new one may be for another host than the one that this request knows of.
  expect(await reveal(1)).toBe('superseded')
  expect(requestsMade).toEqual([1, 2])
})

it('returns no version that is too old, although the new one is being fetched', async () => {
  await reveal(1)
  const cached = Promise.withResolvers<string>()
  sealedText = () => cached.promise
  const coming = reveal(2, 2)
  await eventually(() => expect(requestsMade).toEqual([1, 2]))
  cached.resolve(JSON.stringify({ apiKey: 'sk-2' }))
  expect(await coming).toBe('sk-2')
})

it('keeps the older version until the newest is known to be the connection’s', async () => {
  await reveal(1)
  responseHeaders = () => 3
  credentials.prefetch('c', 2)
  await eventually(() => expect(requestsMade).toEqual([1, 2]))
  await eventually(async () => expect(await reveal(3)).toBe('sk-3'))
})

it('fetches a version that was projected while it fetched another', async () => {
  const cached = Promise.withResolvers<string>()
  sealedText = (version) => (version === 1 ? cached.promise : JSON.stringify({ apiKey: 'sk-new' }))
  credentials.prefetch('c', 1)
  await eventually(() => expect(requestsMade).toEqual([1]))
  credentials.prefetch('c', 2)
  cached.resolve(JSON.stringify({ apiKey: 'sk-old' }))
  await eventually(async () => expect(await reveal(2)).toBe('sk-new'))
})

it('returns a newer version than requested only once the connection is known to have it', async () => {
  responseHeaders = () => 5
  const early = reveal(3)
  await eventually(() => expect(requestsMade).toEqual([3]))
  credentials.prefetch('c', 5)
  expect(await early).toBe('superseded')
  expect(await reveal(5)).toBe('sk-5')
  expect(requestsMade).toEqual([3])
  responseHeaders = (version) => version
  credentials.prefetch('c', 6)
  await eventually(async () => expect(await reveal(6)).toBe('sk-6'))
  expect(requestsMade).toEqual([3, 6])
})

it('never returns to an older version, and does not fetch it in a loop', async () => {
  await reveal(2)
  responseHeaders = () => 1
  credentials.prefetch('c', 3)
  await eventually(() => expect(faults).toHaveLength(1))
  expect(await reveal(3)).toBe('sk-2')
  expect(requestsMade).toEqual([2, 3])
})

it('fails with its own code, and tries again only after a while', async () => {
  sealedText = () => Promise.reject(new SluiceError('unavailable', 'no database'))
  for (let attempt = 0; attempt < 3; attempt++) {
    await expect(reveal(1)).rejects.toMatchObject({ code: 'credential_unavailable' })
  }
  expect(requestsMade).toHaveLength(1)
  sealedText = () => JSON.stringify({ apiKey: 'sk-1' })
  nowMs += 1_000
  expect(await reveal(1)).toBe('sk-1')
})

it.each(['sk-canary', '"sk-canary"', '{"apiKey":{"sk-canary":1}}'])(
  'shows nothing of a malformed credential: %s',
  async (text) => {
    sealedText = () => text
    await expect(reveal(1)).rejects.toMatchObject({ code: 'credential_unavailable' })
    expect(inspect(faults, { depth: 10 })).toContain('malformed')
    expect(inspect(faults, { depth: 10, showHidden: true })).not.toContain('sk-canary')
  },
)
