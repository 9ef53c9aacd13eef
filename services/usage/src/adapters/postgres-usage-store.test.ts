import type { ResponseBatch, ResponseEvent } from '@sluice/contracts'
import { migrate, openDatabase } from '@sluice/postgres'
import { createLogger } from '@sluice/service-kit'
import { type TestDatabase, testDatabase } from '@sluice/testkit'
import type { Kysely } from 'kysely'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { UnstorableError, type UsageStore } from '../ports/usage-store.ts'
import { MIGRATIONS } from './migrations.ts'
import { postgresUsageStore } from './postgres-usage-store.ts'
import type { Tables } from './tables.ts'

const logger = createLogger('usage', 'silent')
let database: TestDatabase
let db: Kysely<Tables>
let store: UsageStore

beforeEach(async () => {
  database = await testDatabase()
  await migrate({ url: database.url, schema: 'usage', migrations: MIGRATIONS, logger })
  db = openDatabase({ url: database.url, name: 'usage', maxConnections: 8, logger })
  store = postgresUsageStore(db)
})
afterEach(async () => {
  await db.destroy()
  await database.drop()
})

it('counts a batch once, however many record it at a time and in whatever company', async () => {
  await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      store.record([batch(1), batch(2 + (index % 3)), batch(1), batch(2 + ((index + 1) % 3))]),
    ),
  )
  expect(await requests()).toBe(4)
})

it('stores all of a call or nothing', async () => {
  await expect(store.record([batch(1), batch(2, 1e300)])).rejects.toBeInstanceOf(UnstorableError)
  expect(await requests()).toBe(0)
  await store.record([batch(1)])
  expect(await requests()).toBe(1)
})

it('forgets the names of batches that are old enough, and only those', async () => {
  await store.record([batch(1), batch(2)])
  expect(await store.forgetBatches(60_000)).toBe(0)
  await store.record([batch(1)])
  expect(await requests()).toBe(2)
  expect(await store.forgetBatches(0)).toBe(2)
  await store.record([batch(1)])
  expect(await requests()).toBe(3)
})

it('takes two statements for any number of batches and events', async () => {
  let statements = 0
  const counting = postgresUsageStore(
    db.withPlugin({
      transformQuery: ({ node }) => {
        statements += 1
        return node
      },
      transformResult: async ({ result }) => result,
    }),
  )
  const events = Array.from({ length: 2_000 }, (_, index) => ({ ...event(), model: `m${index}` }))
  await counting.record([{ ...batch(1), events }, batch(2), batch(3)])
  expect(await requests()).toBe(2_002)
  expect(statements).toBe(2)
})

async function requests(): Promise<number> {
  const { sum } = await db
    .selectFrom('usage.rollups')
    .select((eb) => eb.fn.sum<number>('requests').as('sum'))
    .executeTakeFirstOrThrow()
  return Number(sum)
}

function batch(number: number, endedAtMs?: number): ResponseBatch {
  return { connectionId: 'c', provider: 'openai', gateway: 'g', batch: number, events: [event(endedAtMs)] }
}

function event(endedAtMs = 1_764_000_000_000): ResponseEvent {
  return { requestId: 'r', startedAtMs: 0, endedAtMs, apiKeyId: 'k', model: 'm', outcome: 'success' }
}
