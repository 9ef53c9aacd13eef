import { UnprocessableMessageError } from '@sluice/messaging'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { LimitReading } from '../src/learn/limit-reading.ts'
import { type LimitStore, MAX_KEPT_CHANGES, MAX_KEPT_LIMITS, MAX_LISTED_LIMITS } from '../src/ports.ts'
import { postgresLimitStore } from '../src/store/limit-store.ts'
import { type DiscoveryDatabase, discoveryDatabase } from './discovery-database.ts'

let database: DiscoveryDatabase
let store: LimitStore
const logged: unknown[] = []

beforeEach(async () => {
  database = await discoveryDatabase()
  logged.length = 0
  store = postgresLimitStore({ db: database.db, logger: { error: (row: unknown) => logged.push(row) } })
})
afterEach(() => database.drop())

it('forgets all of a connection and nothing of others, however often it is asked', async () => {
  await store.learn([reading(1, { limit: 60 }), reading(2, { limit: 70 })])
  await store.learn([{ ...reading(1, { limit: 60 }), connectionId: 'other' }])
  expect((await store.connectionIds()).toSorted()).toEqual(['c', 'other'])
  await store.forget(['c', 'unknown'])
  await store.forget(['c', 'unknown'])
  expect(await store.connectionIds()).toEqual(['other'])
  const history = await database.db.selectFrom('discovery.limit_history').select('connection_id').execute()
  expect(history).toEqual([{ connection_id: 'other' }])
})

it('returns everything that it learned', async () => {
  await store.learn([
    reading(1, { limit: 60, remaining: 59, resetMs: 1_000 }),
    reading(2, { model: 'other', limit: 7 }),
  ])
  expect(await store.limitsOf(['c', 'unknown'])).toEqual(
    new Map([
      [
        'c',
        [
          {
            model: 'm',
            dimension: 'requests',
            limit: 60,
            periodMs: 60_000,
            remaining: 59,
            resetAtMs: 1_001,
            firstSeenAtMs: 1,
            lastSeenAtMs: 1,
            changes: 0,
          },
          { model: 'other', dimension: 'requests', limit: 7, firstSeenAtMs: 2, lastSeenAtMs: 2, changes: 0 },
        ],
      ],
      ['unknown', []],
    ]),
  )
})

it('learns and forgets whatever advisory locks another role of the database holds', async () => {
  await database.db.connection().execute(async (other) => {
    await sql`select pg_advisory_lock(hashtextextended('discovery.limits/c', 0))`.execute(other)
    await store.learn([reading(1, { limit: 60 })])
    await store.forget(['c'])
    await sql`select pg_advisory_unlock_all()`.execute(other)
  })
  expect(await store.connectionIds()).toEqual([])
})

it('learns of many connections at a time, in any order, without waiting in a circle', async () => {
  const ids = Array.from({ length: 300 }, (_, index) => `c${index}`)
  const readings = ids.map((connectionId) => ({ ...reading(1, { limit: 60 }), connectionId }))
  await Promise.all(
    Array.from({ length: 12 }, (_, round) => {
      const turned = [...readings.slice(round * 25), ...readings.slice(0, round * 25)]
      return round % 3 === 2 ? store.forget(ids) : store.learn(round % 2 === 0 ? turned : turned.toReversed())
    }),
  )
  await store.learn(readings)
  expect(await store.connectionIds()).toHaveLength(ids.length)
})

it('remembers how sure a period is from one call to the next', async () => {
  const minute = { limit: 60, remaining: 59, resetMs: 1_000 }
  const hour = { limit: 60, remaining: 30, resetMs: 1_800_000 }
  const periodAfter = async (seenAtMs: number, given: Partial<LimitReading>) => {
    await store.learn([reading(seenAtMs, given)])
    return (await store.limitsOf(['c'])).get('c')?.[0]?.periodMs
  }
  expect(await periodAfter(1, minute)).toBe(60_000)
  expect(await periodAfter(2, minute)).toBe(60_000)
  expect(await periodAfter(3, hour)).toBe(60_000)
  expect(await periodAfter(4, hour)).toBe(60_000)
  expect(await periodAfter(5, hour)).toBe(3_600_000)
})

it('learns one after the other what many learn at a time of the same limits', async () => {
  const calls = Array.from({ length: 40 }, (_, index) => {
    const readings = ['a', 'b', 'c'].map((connectionId) => reading(index + 1, { connectionId, limit: 100 + index }))
    return store.learn(index % 2 === 0 ? readings : readings.toReversed())
  })
  const changes = (await Promise.all(calls)).flat()
  for (const connectionId of ['a', 'b', 'c']) {
    const own = changes.filter((change) => change.connectionId === connectionId)
    expect(own.filter(({ oldLimit }) => oldLimit === undefined)).toHaveLength(1)
    const [limit] = (await store.limitsOf([connectionId])).get(connectionId) ?? []
    expect(limit).toMatchObject({ limit: 139, lastSeenAtMs: 40, changes: own.length - 1 })
    expect(await historyOf(connectionId)).toBe(own.length)
  }
})

it('stores all of a call or nothing', async () => {
  await expect(
    store.learn([reading(1, { limit: 5 }), reading(-1e300, { model: 'x', limit: 5 })]),
  ).rejects.toBeInstanceOf(UnprocessableMessageError)
  expect((await store.limitsOf(['c'])).get('c')).toEqual([])
  expect(await historyOf('c')).toBe(0)
})

it('lists of very many limits those that were seen last', async () => {
  const many = MAX_LISTED_LIMITS + 10
  await store.learn(Array.from({ length: many }, (_, index) => reading(index + 1, { model: `m${index}`, limit: 1 })))
  const listed = (await store.limitsOf(['c'])).get('c') ?? []
  expect(listed).toHaveLength(MAX_LISTED_LIMITS)
  expect(Math.min(...listed.map(({ lastSeenAtMs }) => lastSeenAtMs))).toBe(11)
})

it('keeps a bounded number of limits, those that were seen last, and their history', async () => {
  const made = (seenAtMs: number) => reading(seenAtMs, { model: `made-up-${seenAtMs}`, limit: 1 })
  await store.learn([{ ...made(1), connectionId: 'other' }])
  await store.learn(Array.from({ length: MAX_KEPT_LIMITS + 9 }, (_, index) => made(index + 1)))
  await store.learn([reading(99_999, { limit: 1 })])
  for (const table of ['discovery.limits', 'discovery.limit_history'] as const) {
    const rows = await database.db.selectFrom(table).select('model').where('connection_id', '=', 'c').execute()
    const models = new Set(rows.map(({ model }) => model))
    expect(rows).toHaveLength(MAX_KEPT_LIMITS)
    expect(['m', 'made-up-10', 'made-up-11'].map((model) => models.has(model))).toEqual([true, false, true])
  }
  expect(await historyOf('other')).toBe(1)
})

it('keeps the newest changes of a limit that changes with each response, and all of others', async () => {
  await store.learn([reading(1, { model: 'steady', limit: 1 })])
  const flapping = Array.from({ length: MAX_KEPT_CHANGES + 40 }, (_, index) =>
    reading(index + 1, { limit: 1 + (index % 2) }),
  )
  await store.learn(flapping.slice(0, MAX_KEPT_CHANGES))
  await store.learn(flapping.slice(MAX_KEPT_CHANGES))
  expect(await historyOf('c')).toBe(MAX_KEPT_CHANGES + 1)
  const { oldest } = await database.db
    .selectFrom('discovery.limit_history')
    .select(({ fn }) => fn.min('changed_at').as('oldest'))
    .where('model', '=', 'm')
    .executeTakeFirstOrThrow()
  expect(oldest.getTime()).toBe(41)
})

it.each([
  ['the source of a later version', sql`source = 'carrier-pigeon'`, 'source'],
  ['a negative limit', sql`limit_value = -1`, 'limit_value'],
  ['an infinite time', sql`first_seen_at = 'infinity'`, 'first_seen_at'],
])(
  'a stored limit with %s is logged and not listed, stops no other, and is replaced by the next reading',
  async (_, damage, field) => {
    await store.learn([reading(1, { limit: 60 }), reading(1, { model: 'other', limit: 7 })])
    await sql`update discovery.limits set ${damage} where model = 'm'`.execute(database.db)
    const listed = async () => (await store.limitsOf(['c'])).get('c')
    expect(await listed()).toMatchObject([{ model: 'other', limit: 7 }])
    expect(logged).toMatchObject([{ connectionId: 'c', model: 'm', dimension: 'requests', errors: [{ field }] }])
    await store.learn([reading(2, { limit: 61 }), reading(2, { model: 'other', limit: 8 })])
    expect(await listed()).toMatchObject([
      { model: 'm', limit: 61, firstSeenAtMs: 2 },
      { model: 'other', limit: 8, firstSeenAtMs: 1 },
    ])
  },
)

async function historyOf(connectionId: string): Promise<number> {
  const rows = await database.db
    .selectFrom('discovery.limit_history')
    .select('id')
    .where('connection_id', '=', connectionId)
    .execute()
  return rows.length
}

function reading(seenAtMs: number, given: Partial<LimitReading>): LimitReading {
  return { connectionId: 'c', model: 'm', dimension: 'requests', seenAtMs, ...given }
}
