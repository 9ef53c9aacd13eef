import type { DeadLetter } from '@sluice/messaging'
import { createLogger } from '@sluice/service-kit'
import { type TestDatabase, testDatabase } from '@sluice/testkit'
import { type Kysely, sql } from 'kysely'
import { afterEach, beforeEach, expect, it } from 'vitest'
import {
  createDeadLetterTable,
  type DeadLetters,
  MAX_DEAD_LETTER_BYTES,
  MAX_DEAD_LETTERS,
  openDatabase,
  postgresDeadLetters,
} from '../src/index.ts'

let database: TestDatabase
let db: Kysely<unknown>
let deadLetters: DeadLetters
let nowMs: number

beforeEach(async () => {
  database = await testDatabase('usage')
  const logger = createLogger('dead-letters', 'silent')
  db = openDatabase({ url: database.url, name: 'dead-letters', maxConnections: 2, logger })
  await sql.raw(createDeadLetterTable('usage')).execute(db)
  nowMs = 0
  deadLetters = postgresDeadLetters({ db, schema: 'usage', logger, now: () => ++nowMs })
})
afterEach(async () => {
  await db.destroy()
  await database.drop()
})

it('keeps a message once, however often it is delivered, with the beginning of its data', async () => {
  const data = new Uint8Array(MAX_DEAD_LETTER_BYTES + 1).fill(0xff)
  await deadLetters.store({ ...message(1), data })
  await deadLetters.store({ ...message(2), data })
  await deadLetters.store({ ...message(1), data })
  const letter = { subject: 'gateway.v1.responses.c', reason: 'no good' }
  expect(await deadLetters.summary()).toEqual({
    count: 2,
    latest: [
      { ...letter, streamSequence: 1, deadLetteredAtMs: 3 },
      { ...letter, streamSequence: 2, deadLetteredAtMs: 2 },
    ],
  })
  const kept = await sql<{ data: Buffer }>`select data from usage.dead_letters`.execute(db)
  expect(kept.rows[0]?.data).toEqual(Buffer.from(data.subarray(0, MAX_DEAD_LETTER_BYTES)))
})

it('stores a reason that PostgreSQL cannot represent, shortened', async () => {
  await deadLetters.store({ ...message(1), reason: `\0\ud800${'x'.repeat(5_000)}` })
  const { latest } = await deadLetters.summary()
  expect(latest[0]?.reason).toHaveLength(1_000)
})

it('keeps the newest of very many messages', async () => {
  await sql`
    insert into usage.dead_letters
    select number, 's', 'r', '', to_timestamp(number / 1000.0) from generate_series(1, ${MAX_DEAD_LETTERS}) as number
  `.execute(db)
  nowMs = 5_000
  await deadLetters.store(message(5_000))
  const { count, latest } = await deadLetters.summary()
  expect(count).toBe(MAX_DEAD_LETTERS)
  expect(latest[0]).toMatchObject({ streamSequence: 5_000 })
  const oldest = await sql<{ sequence: number }>`
    select min(stream_sequence) as sequence from usage.dead_letters`.execute(db)
  expect(oldest.rows[0]?.sequence).toBe(2)
})

it('refuses to list a letter that another program stored in another shape', async () => {
  await deadLetters.store(message(1))
  await sql`update usage.dead_letters set dead_lettered_at = 'infinity'`.execute(db)
  await expect(deadLetters.summary()).rejects.toMatchObject({
    code: 'internal',
    fields: [{ field: 'deadLetteredAt', message: 'must be a finite time' }],
  })
})

function message(streamSequence: number): DeadLetter {
  return { streamSequence, subject: 'gateway.v1.responses.c', reason: 'no good', data: new Uint8Array() }
}
