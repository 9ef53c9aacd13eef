import { randomBytes } from 'node:crypto'
import { type AwsSimulator, type KmsKey, startAwsSimulator } from '@sluice/aws-simulator'
import { type Bus, connectBus } from '@sluice/messaging'
import { readConfig } from '@sluice/service-kit'
import { type TestDatabase, type TestNats, testDatabase, testNats } from '@sluice/testkit'
import pg from 'pg'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { failureLine, progressLine } from '../src/commands/rewrap-progress.ts'
import { ConnectionsConfig } from '../src/config.ts'
import { type Database, openConnectionsDatabase } from '../src/database/database.ts'
import { createEnvelopes } from '../src/keys/envelope-encryption.ts'
import { createEnvelopeStore, type EnvelopeStore } from '../src/keys/envelope-store.ts'
import { createKeyServices } from '../src/keys/key-services.ts'
import { type RewrapProgress, rewrapDataKeys } from '../src/keys/rewrap-data-keys.ts'
import { credentialReader, type ReadCredential } from './support/credential-reader.ts'
import { kmsSettings } from './support/kms-settings.ts'
import { openAiConnection, startConnections, type TestConnections } from './support/start-connections.ts'

/** Enough that what is left gives up, 16 in a row, after as many as are under way at once (8) have succeeded late. */
const CONNECTIONS = 40

let nats: TestNats
let bus: Bus
let readCredential: ReadCredential
let testDb: TestDatabase
let database: Database
let sql: pg.Client
let kms: AwsSimulator
let [first, second]: KmsKey[] = []
let service: TestConnections
let masterKey: string
/** By connection: the key of each version, from 1. */
let credentials: Map<string, string[]>

beforeAll(async () => {
  ;[nats, kms] = await Promise.all([testNats(), startAwsSimulator()])
  bus = await connectBus({ servers: nats.url, name: 'test' })
  readCredential = await credentialReader(bus)
})
afterAll(async () => {
  await bus.close()
  await Promise.all([nats.stop(), kms.stop()])
})
beforeEach(async () => {
  testDb = await testDatabase('connections')
  database = openConnectionsDatabase(testDb.url, pino({ level: 'silent' }))
  sql = new pg.Client({ connectionString: testDb.url })
  await sql.connect()
  const keys = [kms.addKey(), kms.addKey()] as const
  ;[first, second] = keys
  masterKey = randomBytes(32).toString('base64')
  // What a running service needs for all that follows: it unwraps whatever is wrapped by whichever of these.
  service = await startConnections({
    natsUrl: nats.url,
    databaseUrl: testDb.url,
    masterKey,
    env: kmsSettings(kms, ...keys),
  })
  credentials = new Map()
  for (let index = 0; index < CONNECTIONS; index++) {
    const apiKey = `sk-${index}-1`
    const input = { ...openAiConnection, name: `c${index}`, config: { apiKey } }
    const { body } = await service.call('POST', '/api/v1/connections', input)
    credentials.set(body.id, [apiKey])
  }
})
afterEach(async () => {
  await service.stop()
  await database.close()
  await sql.end()
  await testDb.drop()
})

interface RewrapHooks {
  readonly onBegin?: () => Promise<void>
  readonly onProgress?: (progress: RewrapProgress) => void
  /** Done before each envelope is replaced. */
  readonly beforeReplace?: () => Promise<void>
}

/** Rewraps under the key that `over` says. */
async function rewrap(over: Record<string, string>, hooks: RewrapHooks = {}) {
  const env = { DATABASE_URL: testDb.url, MASTER_KEY: masterKey, ...kmsSettings(kms, ...keys()), ...over }
  const envelopes = await createEnvelopes(await createKeyServices(readConfig(ConnectionsConfig, env)))
  const store = createEnvelopeStore(database)
  const hooked: EnvelopeStore = {
    ...store,
    replace: async (...row) => {
      await hooks.beforeReplace?.()
      return store.replace(...row)
    },
  }
  const { onBegin = async () => undefined, onProgress = () => undefined } = hooks
  return rewrapDataKeys({ store: hooked, envelopes, onBegin, onProgress })
}

const keys = () => [first, second].flatMap((key) => key ?? [])
const under = (key: KmsKey | undefined) => ({
  KEY_SERVICE: 'aws-kms',
  ...kmsSettings(kms, ...keys().toSorted((a) => (a === key ? -1 : 1))),
})

async function rotate(id: string): Promise<void> {
  const versions = credentials.get(id) ?? []
  const apiKey = `${versions[0]}-rotated-${versions.length}`
  const { status } = await service.call('PATCH', `/api/v1/connections/${id}`, { config: { apiKey } })
  expect(status).toBe(200)
  versions.push(apiKey)
}

async function expectAllOpen(): Promise<void> {
  for (const [id, versions] of credentials) {
    expect(await readCredential(id, versions.length)).toEqual({ apiKey: versions.at(-1) })
  }
}

async function rows(): Promise<{ key_id: string; wrapped: string; ciphertext: string }[]> {
  const of = (table: string) =>
    `select envelope->>'keyId' as key_id, envelope->>'wrappedKey' as wrapped, envelope->>'ciphertext' as ciphertext from connections.${table} where envelope is not null`
  return (await sql.query(`${of('credentials')} union all ${of('sealing_key')} order by ciphertext`)).rows
}

const keyIds = async () => new Set((await rows()).map(({ key_id }) => key_id))

it('goes from libsodium to KMS, to another KMS key and back, with the service running and rotations in between', async () => {
  const [someone = '', other = ''] = [...credentials.keys()]
  await rotate(someone)
  const ciphertexts = new Set((await rows()).map(({ ciphertext }) => ciphertext))
  const oldest = await sql.query(
    `select envelope->>'ciphertext' as ciphertext from connections.credentials where connection_id = $1 and version = 1`,
    [someone],
  )
  let rotating: Promise<unknown> | undefined
  const toFirst = await rewrap(under(first), {
    beforeReplace: async () => {
      rotating ??= Promise.all([rotate(someone), rotate(other)])
      await rotating
    },
  })
  // The service still wraps under the old key: what it added meanwhile is met by a later pass. The sealing key is one
  // more. The
  // oldest version was destroyed meanwhile, as its connection was rotated twice, and is not brought back.
  ciphertexts.delete(oldest.rows[0].ciphertext)
  expect(toFirst).toMatchObject({ rewrapped: CONNECTIONS + 1 + 2 + 1 - 1, failures: [] })
  expect(await keyIds()).toEqual(new Set([first?.arn]))
  expect((await rows()).map(({ ciphertext }) => ciphertext)).toEqual(expect.arrayContaining([...ciphertexts]))
  await expectAllOpen()

  const before = { reEncrypt: kms.requests.count('ReEncrypt'), decrypt: kms.requests.count('Decrypt') }
  const toSecond = await rewrap(under(second))
  expect(kms.requests.count('ReEncrypt') - before.reEncrypt).toBe(toSecond.rewrapped)
  expect(kms.requests.count('Decrypt')).toBe(before.decrypt)
  expect(await keyIds()).toEqual(new Set([second?.arn]))
  await expectAllOpen()

  const newMasterKey = `${randomBytes(32).toString('base64')}\n${masterKey}`
  const toLibsodium = await rewrap({ MASTER_KEY: newMasterKey })
  const rewrapped = await rewrap({ MASTER_KEY: masterKey })
  expect(toLibsodium.rewrapped).toBe(toSecond.rewrapped)
  // The old master key does not unwrap what is under the new one: nothing is lost, and all of it is reported.
  expect(rewrapped).toMatchObject({ rewrapped: 0, failures: { length: toSecond.rewrapped } })
  const back = await rewrap({ MASTER_KEY: newMasterKey.split('\n').toReversed().join('\n') })
  expect(back.rewrapped).toBe(toSecond.rewrapped)
  await expectAllOpen()
})

it('does nothing when there is nothing to do', async () => {
  await rewrap(under(first))
  const before = await rows()
  const reEncrypted = kms.requests.count('ReEncrypt')
  const onBegin = async () => expect.unreachable()
  expect(await rewrap(under(first), { onBegin })).toEqual({ rewrapped: 0, failures: [], total: 0 })
  expect(await rows()).toEqual(before)
  expect(kms.requests.count('ReEncrypt')).toBe(reEncrypted)
})

it('changes nothing when its start cannot be recorded', async () => {
  const before = await rows()
  const onBegin = async () => {
    throw new Error('no audit log')
  }
  await expect(rewrap(under(first), { onBegin })).rejects.toThrow('no audit log')
  expect(await rows()).toEqual(before)
})

it('rewraps each data key once when two run at the same time', async () => {
  const done = await Promise.all([rewrap(under(first)), rewrap(under(first))])
  expect(done.flatMap(({ failures }) => failures)).toEqual([])
  expect(done.reduce((sum, { rewrapped }) => sum + rewrapped, 0)).toBe(CONNECTIONS + 1)
  expect(await keyIds()).toEqual(new Set([first?.arn]))
  await expectAllOpen()
})

it('neither overwrites a row that has changed since it was read, nor restores a deleted one', async () => {
  const store = createEnvelopeStore(database)
  const stale = []
  for await (const stored of store.others({ keyService: 'aws-kms', keyId: second?.arn ?? '' })) stale.push(stored)
  expect(stale).toHaveLength(CONNECTIONS + 1)
  const envelopes = await createEnvelopes(
    await createKeyServices(
      readConfig(ConnectionsConfig, { DATABASE_URL: testDb.url, MASTER_KEY: masterKey, ...under(second) }),
    ),
  )
  const rewrapped = await Promise.all(
    stale.map(async (stored) => ({ stored, envelope: await envelopes.rewrap(stored.envelope, stored.context) })),
  )
  await rewrap(under(first))
  const [deleted = ''] = credentials.keys()
  await service.call('DELETE', `/api/v1/connections/${deleted}`)
  credentials.delete(deleted)
  const outcomes = await Promise.all(rewrapped.map(({ stored, envelope }) => store.replace(stored, envelope)))
  expect(new Set(outcomes)).toEqual(new Set(['changed']))
  expect(await keyIds()).toEqual(new Set([first?.arn]))
  expect(await rows()).toHaveLength(CONNECTIONS)
  await expectAllOpen()
})

describe('a row that cannot be unwrapped', () => {
  it('is left as it is and reported with the reason, and the others are rewrapped', async () => {
    const [altered = '', moved = '', unknown = '', malformed = '', from = ''] = [...credentials.keys()]
    const set = (id: string, envelope: string) =>
      sql.query(`update connections.credentials set envelope = ${envelope} where connection_id = $1`, [id])
    await set(altered, `jsonb_set(envelope, '{wrappedKey}', to_jsonb(reverse(envelope->>'wrappedKey')))`)
    await set(moved, `(select envelope from connections.credentials where connection_id = '${from}')`)
    await set(unknown, `jsonb_set(envelope, '{keyId}', '"mk-0000000000000000"')`)
    await set(malformed, `'{"v": 1}'`)
    const seen: RewrapProgress[] = []
    const done = await rewrap(under(first), { onProgress: (progress) => seen.push(progress) })
    const reasons = new Map(
      done.failures.map(({ owner, reason }) => [owner === 'sealing-key' ? owner : owner.connectionId, reason.reason]),
    )
    expect(Object.fromEntries(reasons)).toEqual({
      [altered]: 'not_authentic',
      [moved]: 'not_authentic',
      [unknown]: 'unknown_key',
      [malformed]: 'malformed',
    })
    expect(done).toMatchObject({ rewrapped: CONNECTIONS + 1 - 4, total: CONNECTIONS + 1 })
    expect(seen).toHaveLength(CONNECTIONS + 1)
    expect(progressLine(done)).toBe(`${CONNECTIONS - 3} of ${CONNECTIONS + 1} data keys rewrapped, 4 failed`)
    expect(done.failures.map(failureLine).join('\n')).toContain(`connection ${unknown} version 1: the stored secret`)
    for (const id of [altered, moved, unknown, malformed]) {
      await expect(readCredential(id)).rejects.toMatchObject({ code: 'credential_unavailable' })
      credentials.delete(id)
    }
    await expectAllOpen()
  })
})

it('gives up when KMS becomes unreachable, with every credential still openable and the rest to be done', async () => {
  await rewrap(under(first))
  const giveUp = rewrap(under(second), {
    onProgress: ({ rewrapped }) => {
      if (rewrapped === 1) kms.takeDown().catch((error: unknown) => expect.unreachable(String(error)))
    },
  })
  await expect(giveUp).rejects.toMatchObject({ reason: 'key_unavailable' })
  await kms.bringUp()
  const left = (await rows()).filter(({ key_id }) => key_id === first?.arn).length
  expect(left).toBeGreaterThan(0)
  expect(await rewrap(under(second))).toEqual({ rewrapped: left, failures: [], total: left })
  await expectAllOpen()
})
