import { createLogger } from '@sluice/service-kit'
import { type TestDatabase, testDatabase } from '@sluice/testkit'
import { type Kysely, sql } from 'kysely'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { isPassing, isRefusedData, openDatabase } from '../src/database.ts'

const logger = createLogger('usage', 'silent')
let database: TestDatabase
let db: Kysely<unknown>

beforeEach(async () => {
  database = await testDatabase('usage')
  db = openDatabase({ url: database.url, name: 'test', maxConnections: 2, statementTimeoutMs: 200, logger })
})
afterEach(async () => {
  await db.destroy()
  await database.drop()
})

it('survives a connection that is cut between two statements', async () => {
  const cut = db.transaction().execute(async (transaction) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(transaction)
    await sql`select pg_terminate_backend(${rows[0]?.pid}, 5000)`.execute(db)
    await sql`select 1`.execute(transaction)
  })
  const error = await cut.catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(Error)
  expect(isPassing(error)).toBe(true)
  expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }])
})

it.each([
  { what: 'text that is no number', statement: sql`select 'x'::int`, passing: false, refusedData: true },
  { what: 'a table that is not there', statement: sql`select * from nowhere`, passing: false, refusedData: false },
  { what: 'a statement that takes too long', statement: sql`select pg_sleep(60)`, passing: true, refusedData: false },
])('tells $what from what passes', async ({ statement, passing, refusedData }) => {
  const error = await statement.execute(db).catch((caught: unknown) => caught)
  expect({ passing: isPassing(error), refusedData: isRefusedData(error) }).toEqual({ passing, refusedData })
})

it('reads 64-bit integers as numbers', async () => {
  expect((await sql`select 9007199254740991::bigint as most`.execute(db)).rows).toEqual([
    { most: Number.MAX_SAFE_INTEGER },
  ])
})
