import { type Kysely, sql, type Transaction } from 'kysely'
import { type Granularity, type Horizons, ROLLUP_MS } from '../domain/granularity.ts'
import { dueHorizons, type KeptDays } from '../domain/retention.ts'
import { holdHorizonsAlone, readHorizons } from './horizons.ts'
import { instant } from './instant.ts'
import { ROLLUP_TABLES, type Tables } from './tables.ts'

/**
 * Moves what is due into the next coarser granularity: one hour of minutes, or one day of hours, a transaction that also moves the
 * horizon. So everything is in one granularity at any instant, however often this is interrupted, and whoever else does it. Returns
 * whether there may be more to do.
 */
export function coarsenOnce(db: Kysely<Tables>, kept: KeptDays, nowMs: number): Promise<boolean> {
  const due = dueHorizons(kept, nowMs)
  return db.transaction().execute(async (transaction) => {
    await holdHorizonsAlone(transaction)
    const horizons = await readHorizons(transaction)
    for (const { from, to } of MOVES) {
      if (horizons[from] >= due[from]) continue
      await moveOne(transaction, from, to, horizons)
      return true
    }
    // Days have nowhere to go. Their partitions are dropped once they are before the horizon.
    if (horizons.day < due.day) await moveHorizon(transaction, 'day', due.day)
    return false
  })
}

const MOVES: readonly { readonly from: Granularity; readonly to: Granularity }[] = [
  { from: 'minute', to: 'hour' },
  { from: 'hour', to: 'day' },
]

async function moveOne(
  transaction: Transaction<Tables>,
  from: Granularity,
  to: Granularity,
  horizons: Horizons,
): Promise<void> {
  const fromMs = horizons[from]
  const toMs = fromMs + ROLLUP_MS[to]
  await sql`
    insert into ${sql.table(ROLLUP_TABLES[to])}
    select
      ${instant(fromMs)}, connection_id, provider, model, api_key_id, outcome, denied_by,
      sum(requests), sum(input_tokens), sum(output_tokens), sum(cached_input_tokens), sum(reasoning_tokens),
      usage.merged_histogram(latency), usage.merged_histogram(time_to_first_token)
    from ${sql.table(ROLLUP_TABLES[from])}
    where from_at >= ${instant(fromMs)} and from_at < ${instant(toMs)}
    group by connection_id, provider, model, api_key_id, outcome, denied_by`.execute(transaction)
  await moveHorizon(transaction, from, toMs)
}

async function moveHorizon(transaction: Transaction<Tables>, granularity: Granularity, toMs: number): Promise<void> {
  await sql`update usage.horizons set from_at = ${instant(toMs)} where granularity = ${granularity}`.execute(
    transaction,
  )
}
