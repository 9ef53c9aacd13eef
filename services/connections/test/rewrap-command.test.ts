import { randomBytes } from 'node:crypto'
import { type AwsSimulator, type KmsKey, startAwsSimulator } from '@sluice/aws-simulator'
import { eventually, type TestDatabase, type TestNats, testDatabase, testNats } from '@sluice/testkit'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { kmsSettings } from './support/kms-settings.ts'
import { openAiConnection, startConnections } from './support/start-connections.ts'
import { testPrograms } from './support/test-programs.ts'

const CONNECTIONS = 60

let nats: TestNats
let database: TestDatabase
let kms: AwsSimulator
let key: KmsKey
let sql: pg.Client
const masterKey = randomBytes(32).toString('base64')
const programs = testPrograms()

beforeAll(async () => {
  ;[nats, database, kms] = await Promise.all([testNats(), testDatabase('connections'), startAwsSimulator()])
  key = kms.addKey()
  sql = new pg.Client({ connectionString: database.url })
  await sql.connect()
  const service = await startConnections({ natsUrl: nats.url, databaseUrl: database.url, masterKey })
  for (let index = 0; index < CONNECTIONS; index++) {
    await service.call('POST', '/api/v1/connections', { ...openAiConnection, name: `c${index}` })
  }
  await service.stop()
})
afterAll(async () => {
  programs.kill()
  await sql.end()
  await Promise.all([nats.stop(), database.drop(), kms.stop()])
})

const run = (env: Record<string, string> = {}) =>
  programs.run('commands/rewrap.ts', {
    DATABASE_URL: database.url,
    MASTER_KEY: masterKey,
    ...kmsSettings(kms, key),
    ...env,
  })

/** Wrapped keys by connection, of those under `keyId`. */
async function wrappedUnder(keyId: string): Promise<Map<string, string>> {
  const { rows } = await sql.query(
    `select connection_id, envelope->>'wrappedKey' as wrapped from connections.credentials where envelope->>'keyId' = $1`,
    [keyId],
  )
  return new Map(rows.map(({ connection_id, wrapped }) => [connection_id, wrapped]))
}

/** PostgreSQL finishes what a killed client had sent. */
async function expectNoOtherClient(): Promise<void> {
  const { rows } = await sql.query(
    'select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  )
  expect(rows).toEqual([])
}

it('does only the rest after it was killed halfway', async () => {
  kms.controls.add({ latencyMs: 40 })
  const killed = run({ KEY_SERVICE: 'aws-kms' })
  await eventually(async () => expect((await wrappedUnder(key.arn)).size).toBeGreaterThan(5), { timeoutMs: 20_000 })
  killed.child.kill('SIGKILL')
  expect(await killed.exited).toBeNull()
  expect(killed.output.text).toMatch(/\d+ of 61 data keys rewrapped, 0 failed\n/)
  await eventually(expectNoOtherClient)
  const done = await wrappedUnder(key.arn)
  expect(done.size).toBeLessThan(CONNECTIONS)

  kms.controls.clear()
  const before = kms.requests.count('Encrypt')
  const resumed = run({ KEY_SERVICE: 'aws-kms' })
  expect(await resumed.exited).toBe(0)
  // The sealing key is one more.
  const rest = CONNECTIONS + 1 - done.size
  expect(resumed.output.text.trimEnd().split('\n').at(-1)).toBe(`${rest} of ${rest} data keys rewrapped, 0 failed`)
  expect(kms.requests.count('Encrypt') - before).toBe(rest)
  const all = await wrappedUnder(key.arn)
  expect(all.size).toBe(CONNECTIONS)
  for (const [id, wrapped] of done) expect(all.get(id)).toBe(wrapped)
  const audited = await sql.query(
    "select actor, after from connections.audit_log where action = 'data-keys.rewrapped' order by id",
  )
  const under = { keyService: 'aws-kms', keyId: key.arn }
  expect(audited.rows).toEqual([
    { actor: 'command', after: { ...under, count: CONNECTIONS + 1 } },
    { actor: 'command', after: { ...under, count: rest } },
  ])
})

it('exits with 1 and names what it could not rewrap', async () => {
  const { rows } = await sql.query(
    `update connections.credentials set envelope = jsonb_set(envelope, '{keyId}', '"mk-0000000000000000"')
     where connection_id = (select min(connection_id::text)::uuid from connections.credentials) returning connection_id`,
  )
  const failed = run({ KEY_SERVICE: 'aws-kms' })
  expect(await failed.exited).toBe(1)
  expect(failed.output.text).toContain(`connection ${rows[0]?.connection_id} version 1: the stored secret`)
})

it('exits with 1 at once when KMS may not be used', async () => {
  key.isDenied = true
  const refused = run({ KEY_SERVICE: 'aws-kms' })
  expect(await refused.exited).toBe(1)
  expect(refused.output.text).toContain('may not be used by this service')
})
