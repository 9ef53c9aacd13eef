import { type Kysely, sql, type Transaction } from 'kysely'
import {
  dueRetentionStarts,
  GRANULARITIES,
  type Granularity,
  type Partition,
  partitionAt,
  partitionsBetween,
  type RetentionDays,
  type RetentionStarts,
  ROLLUP_MS,
} from '../rollup/granularity.ts'
import { initializeRetentionStarts, lockRetentionStarts, readRetentionStarts } from './downsample.ts'
import { ROLLUP_TABLES, type Tables } from './schema.ts'

/** Creates the partitions from the retention starts until some days ahead. */
export interface PartitionsAhead {
  /** Does nothing if it was done within a day. */
  ensure(nowMs: number): Promise<void>
}

export function partitionsAhead(db: Kysely<Tables>, retentionDays: RetentionDays): PartitionsAhead {
  let ensuredAtMs = Number.NEGATIVE_INFINITY
  return {
    ensure: async (nowMs) => {
      if (Math.abs(nowMs - ensuredAtMs) < AGAIN_MS) return
      await db.transaction().execute(async (transaction) => {
        await lockRetentionStarts(transaction)
        await initializeRetentionStarts(transaction, dueRetentionStarts(retentionDays, nowMs))
        const retentionStarts = await readRetentionStarts(transaction)
        for (const granularity of GRANULARITIES) await createMissing(transaction, granularity, retentionStarts, nowMs)
      })
      ensuredAtMs = nowMs
    },
  }
}

/**
 * Drops the partitions that are wholly before the retention starts: their usage has been added to the next longer
 * granularity. Each is dropped in a transaction of its own, so that recording goes on in between. Other instances that
 * drop partitions wait, since PostgreSQL fails the second of two that drop one at the same time ("could not find tuple
 * for parent of relation").
 */
export async function dropPartitions(db: Kysely<Tables>): Promise<void> {
  let isMoreLeft = true
  while (isMoreLeft) isMoreLeft = await db.transaction().execute(dropOldest)
}

async function dropOldest(transaction: Transaction<Tables>): Promise<boolean> {
  await lockRetentionStarts(transaction)
  const retentionStarts = await readRetentionStarts(transaction)
  for (const granularity of GRANULARITIES) {
    const kept = partitionName(granularity, partitionAt(granularity, retentionStarts[granularity]))
    const [oldest] = await partitionNames(transaction, granularity)
    if (oldest === undefined || oldest >= kept) continue
    await sql`drop table ${sql.id('usage', oldest)}`.execute(transaction)
    return true
  }
  return false
}

/**
 * So that an instance that could not reach the database for days finds partitions to write to, until it has created
 * new ones.
 */
const AHEAD_MS = 3 * ROLLUP_MS.day
const AGAIN_MS = ROLLUP_MS.day

async function createMissing(
  transaction: Transaction<Tables>,
  granularity: Granularity,
  retentionStarts: RetentionStarts,
  nowMs: number,
): Promise<void> {
  const existing = new Set(await partitionNames(transaction, granularity))
  for (const partition of partitionsBetween(granularity, retentionStarts[granularity], nowMs + AHEAD_MS)) {
    const name = partitionName(granularity, partition)
    if (existing.has(name)) continue
    const [fromAt, toAt] = [new Date(partition.fromMs), new Date(partition.toMs)].map((at) => at.toISOString())
    await sql`
      create table ${sql.id('usage', name)} partition of ${sql.table(ROLLUP_TABLES[granularity])}
      for values from (${sql.lit(fromAt)}) to (${sql.lit(toAt)})`.execute(transaction)
  }
}

async function partitionNames(db: Kysely<Tables>, granularity: Granularity): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = ${ROLLUP_TABLES[granularity]}::regclass order by relname`.execute(db)
  return rows.map(({ name }) => name)
}

function partitionName(granularity: Granularity, { label }: Partition): string {
  return `${granularity}s_${label}`
}
