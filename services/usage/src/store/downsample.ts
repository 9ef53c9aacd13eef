import { readStored, StoredInstant } from '@sluice/postgres'
import { type Kysely, sql, type Transaction } from 'kysely'
import { Type } from 'typebox'
import {
  dueRetentionStarts,
  GRANULARITIES,
  type Granularity,
  type RetentionDays,
  type RetentionStarts,
  ROLLUP_MS,
  rollupStart,
} from '../rollup/granularity.ts'
import { instant, ROLLUP_TABLES, type Tables } from './schema.ts'

/**
 * Keeps the retention starts and the partitions as they are until the transaction ends. Any number of transactions may
 * do so at a time. It locks the table itself, as any role of the database could take an advisory lock.
 */
export async function shareRetentionStarts(transaction: Transaction<Tables>): Promise<void> {
  await sql`lock table usage.retention_starts in row share mode`.execute(transaction)
}

/** Waits until no other transaction holds the retention starts, and holds them until this one ends. */
export async function lockRetentionStarts(transaction: Transaction<Tables>): Promise<void> {
  await sql`lock table usage.retention_starts in exclusive mode`.execute(transaction)
}

/**
 * @throws SluiceError `internal` before they were first set, with the first partitions, and when a row has an unknown
 * shape
 */
export async function readRetentionStarts(db: Kysely<Tables>): Promise<RetentionStarts> {
  const rows = await db.selectFrom('usage.retention_starts').selectAll().execute()
  const found = Object.fromEntries(rows.map(({ granularity, from_at }) => [granularity, from_at]))
  const { minute, hour, day } = readStored(StoredRetentionStarts, found, 'the start of a retention')
  return { minute: minute.getTime(), hour: hour.getTime(), day: day.getTime() }
}

/** Sets the retention starts that are not set yet. */
export async function initializeRetentionStarts(
  transaction: Transaction<Tables>,
  retentionStarts: RetentionStarts,
): Promise<void> {
  for (const granularity of GRANULARITIES) {
    await sql`
      insert into usage.retention_starts (granularity, from_at) values (${granularity}, ${instant(retentionStarts[granularity])})
      on conflict do nothing`.execute(transaction)
  }
}

/**
 * Moves usage that is due into the next longer granularity: one hour of minutes, or one day of hours, in a transaction
 * that also moves the retention start. So all usage is in one granularity at any instant, however often this is
 * interrupted, and in however many instances it runs. Returns whether there may be more to do.
 */
export function downsampleOnce(db: Kysely<Tables>, retentionDays: RetentionDays, nowMs: number): Promise<boolean> {
  const due = dueRetentionStarts(retentionDays, nowMs)
  return db.transaction().execute(async (transaction) => {
    await lockRetentionStarts(transaction)
    const retentionStarts = await readRetentionStarts(transaction)
    for (const { from, to } of MOVES) {
      if (retentionStarts[from] >= due[from]) continue
      await moveRetentionStart(
        transaction,
        from,
        await moveOne(transaction, { from, to, fromMs: retentionStarts[from], dueMs: due[from] }),
      )
      return true
    }
    // Days are not downsampled. Their partitions are dropped once they are before the retention start.
    if (retentionStarts.day < due.day) await moveRetentionStart(transaction, 'day', due.day)
    return false
  })
}

const MOVES: readonly { readonly from: Granularity; readonly to: Granularity }[] = [
  { from: 'minute', to: 'hour' },
  { from: 'hour', to: 'day' },
]

interface Move {
  readonly from: Granularity
  readonly to: Granularity
  /** The current retention start, and the one that is due. */
  readonly fromMs: number
  readonly dueMs: number
}

/**
 * Returns the instant until which all usage is moved, Unix milliseconds: across a time without usage, more than one
 * step.
 */
async function moveOne(transaction: Transaction<Tables>, { from, to, fromMs, dueMs }: Move): Promise<number> {
  const toMs = fromMs + ROLLUP_MS[to]
  const moved = await sql`
    insert into ${sql.table(ROLLUP_TABLES[to])} (
      from_at, connection_id, provider, model, api_key_id, outcome, denied_by,
      requests, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, latency, time_to_first_token,
      cache_write_input_tokens, unread_requests
    )
    select
      ${instant(fromMs)}, connection_id, provider, model, api_key_id, outcome, denied_by,
      sum(requests), sum(input_tokens), sum(output_tokens), sum(cached_input_tokens), sum(reasoning_tokens),
      usage.merged_histogram(latency), usage.merged_histogram(time_to_first_token),
      sum(cache_write_input_tokens), sum(unread_requests)
    from ${sql.table(ROLLUP_TABLES[from])}
    where from_at >= ${instant(fromMs)} and from_at < ${instant(toMs)}
    group by connection_id, provider, model, api_key_id, outcome, denied_by`.execute(transaction)
  if (moved.numAffectedRows !== 0n) return toMs
  const next = await sql`
    select min(from_at) as at from ${sql.table(ROLLUP_TABLES[from])} where from_at >= ${instant(toMs)}`.execute(
    transaction,
  )
  const [{ at }] = readStored(EarliestRows, next.rows, 'the time of usage')
  return at === null ? dueMs : Math.min(dueMs, rollupStart(to, at.getTime()))
}

async function moveRetentionStart(
  transaction: Transaction<Tables>,
  granularity: Granularity,
  toMs: number,
): Promise<void> {
  await sql`update usage.retention_starts set from_at = ${instant(toMs)} where granularity = ${granularity}`.execute(
    transaction,
  )
}

const StoredRetentionStarts = Type.Object({ minute: StoredInstant, hour: StoredInstant, day: StoredInstant })
const EarliestRows = Type.Tuple([Type.Object({ at: Type.Union([StoredInstant, Type.Null()]) })])
