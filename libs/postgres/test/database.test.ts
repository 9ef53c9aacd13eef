import { createLogger } from '@sluice/service-kit'
import { type TestDatabase, testDatabase } from '@sluice/testkit'
import { type Kysely, sql } from 'kysely'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openDatabase } from '../src/database.ts'
import { isRefusedData, isTransient } from '../src/errors.ts'

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
  expect(isTransient(error)).toBe(true)
  expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }])
})

it.each([
  { what: 'text that is not a number', statement: sql`select 'x'::int`, transient: false, refusedData: true },
  { what: 'a table that does not exist', statement: sql`select * from nowhere`, transient: false, refusedData: false },
  { what: 'a statement that takes too long', statement: sql`select pg_sleep(60)`, transient: true, refusedData: false },
])('recognizes whether $what is transient, or the data at fault', async ({ statement, transient, refusedData }) => {
  const error = await statement.execute(db).catch((caught: unknown) => caught)
  expect({ transient: isTransient(error), refusedData: isRefusedData(error) }).toEqual({ transient, refusedData })
})

it('reads 64-bit integers as numbers', async () => {
  expect((await sql`select 9007199254740991::bigint as most`.execute(db)).rows).toEqual([
    { most: Number.MAX_SAFE_INTEGER },
  ])
})
