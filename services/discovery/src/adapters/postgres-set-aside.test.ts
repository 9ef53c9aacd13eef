import { sql } from 'kysely'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type DeadLetters, MAX_KEPT_BYTES, MAX_KEPT_MESSAGES } from '../ports/set-aside.ts'
import { type DiscoveryDatabase, discoveryDatabase } from '../testing/discovery-database.ts'
import { postgresDeadLetters } from './postgres-set-aside.ts'

let database: DiscoveryDatabase
let deadLetters: DeadLetters

beforeEach(async () => {
  database = await discoveryDatabase()
  deadLetters = postgresDeadLetters(database.db)
})
afterEach(() => database.drop())

it('keeps a message once, however often it comes, with the beginning of its bytes', async () => {
  const bytes = new Uint8Array(MAX_KEPT_BYTES + 1).fill(0xff)
  await deadLetters.put(message(1), bytes)
  await deadLetters.put(message(2), bytes)
  await deadLetters.put(message(1), bytes)
  expect(await deadLetters.summary()).toEqual({ count: 2, latest: [message(2), message(1)] })
  const kept = await database.db.selectFrom('discovery.set_aside').select('data').executeTakeFirstOrThrow()
  expect(kept.data).toEqual(Buffer.from(bytes.subarray(0, MAX_KEPT_BYTES)))
})

it('takes whatever words it is told', async () => {
  await deadLetters.put({ ...message(1), reason: `\0\ud800${'x'.repeat(5_000)}` }, new Uint8Array())
  const { latest } = await deadLetters.summary()
  expect(latest[0]?.reason).toHaveLength(1_000)
})

it('keeps the newest of very many', async () => {
  await sql`
    insert into discovery.set_aside
    select number, 's', 'r', '', to_timestamp(number / 1000.0) from generate_series(1, ${MAX_KEPT_MESSAGES}) as number
  `.execute(database.db)
  await deadLetters.put(message(5_000), new Uint8Array())
  const { count, latest } = await deadLetters.summary()
  expect(count).toBe(MAX_KEPT_MESSAGES)
  expect(latest[0]).toEqual(message(5_000))
  const oldest = await database.db
    .selectFrom('discovery.set_aside')
    .select(({ fn }) => fn.min('stream_sequence').as('sequence'))
    .executeTakeFirstOrThrow()
  expect(oldest.sequence).toBe(2)
})

function message(streamSequence: number) {
  return { streamSequence, subject: 'gateway.v1.responses.c', reason: 'no good', deadLetteredAtMs: streamSequence }
}
