import { type Kysely, sql, type Transaction } from 'kysely'
import { GRANULARITIES, type Horizons } from '../domain/granularity.ts'
import { instant } from './instant.ts'
import type { Tables } from './tables.ts'

/**
 * Keeps the horizons and the partitions as they are until the transaction ends. Any number may do so at a time. The lock is the table's own,
 * as an advisory lock could be taken by any role of the database.
 */
export async function holdHorizons(transaction: Transaction<Tables>): Promise<void> {
  await sql`lock table usage.horizons in row share mode`.execute(transaction)
}

/** Waits until nobody holds the horizons, and keeps everybody from it until the transaction ends. */
export async function holdHorizonsAlone(transaction: Transaction<Tables>): Promise<void> {
  await sql`lock table usage.horizons in exclusive mode`.execute(transaction)
}

/** @throws Error before they were first set, with the first partitions */
export async function readHorizons(db: Kysely<Tables>): Promise<Horizons> {
  const rows = await db.selectFrom('usage.horizons').selectAll().execute()
  const found = new Map(rows.map(({ granularity, from_at }) => [granularity, from_at.getTime()]))
  const [minute, hour, day] = GRANULARITIES.map((granularity) => found.get(granularity))
  if (minute === undefined || hour === undefined || day === undefined) throw new Error('the horizons are not set')
  return { minute, hour, day }
}

/** Sets the horizons that are not set yet. */
export async function initialiseHorizons(transaction: Transaction<Tables>, horizons: Horizons): Promise<void> {
  for (const granularity of GRANULARITIES) {
    await sql`
      insert into usage.horizons (granularity, from_at) values (${granularity}, ${instant(horizons[granularity])})
      on conflict do nothing`.execute(transaction)
  }
}
