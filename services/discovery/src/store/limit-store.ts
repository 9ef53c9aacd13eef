import { type DiscoveredLimit, SluiceError } from '@sluice/contracts'
import { UnprocessableMessageError } from '@sluice/messaging'
import { isRefusedData, isTransient } from '@sluice/postgres'
import type { Logger } from '@sluice/service-kit'
import { type Kysely, sql, type Transaction } from 'kysely'
import { type ConnectionLimit, type LimitChange, learn, limitKey } from '../learn/learn.ts'
import type { LimitReading } from '../learn/limit-reading.ts'
import { type LimitStore, MAX_LISTED_LIMITS } from '../ports.ts'
import { dropOldest } from './drop-oldest.ts'
import { type LimitKey, type ReadLimits, readLimitRows, type UnreadableRow } from './limit-rows.ts'
import { LOCK_SLOTS, type Tables } from './schema.ts'

export interface LimitStoreOptions {
  readonly db: Kysely<Tables>
  readonly logger: Pick<Logger, 'error'>
}

/**
 * Discovered limits in PostgreSQL. A call of `learn` is one transaction of a few statements, however many readings it
 * holds. A stored limit that cannot be read counts as unknown, so that it does not stop the others: it is logged, not
 * listed, and replaced by the next reading.
 */
export function postgresLimitStore({ db, logger }: LimitStoreOptions): LimitStore {
  const logUnreadable = (unreadable: readonly UnreadableRow[]) => {
    for (const row of unreadable) logger.error(row, 'a stored limit has an unknown shape: it counts as not known')
  }
  return {
    learn: async (readings) => {
      try {
        return await db.transaction().execute((transaction) => learnIn(transaction, readings, logUnreadable))
      } catch (error) {
        if (isRefusedData(error)) throw new UnprocessableMessageError('PostgreSQL refuses the data', { cause: error })
        throw isTransient(error)
          ? new SluiceError('unavailable', 'Limits cannot be stored now.', { cause: error })
          : error
      }
    },
    limitsOf: async (connectionIds) => {
      try {
        return await listLimits(db, connectionIds, logUnreadable)
      } catch (error) {
        throw isTransient(error)
          ? new SluiceError('unavailable', 'Limits cannot be read now.', { cause: error })
          : error
      }
    },
    forget: (connectionIds) => db.transaction().execute((transaction) => forgetIn(transaction, connectionIds)),
    connectionIds: async () => {
      const rows = await db.selectFrom('discovery.limits').select('connection_id').distinct().execute()
      return rows.map((row) => row.connection_id)
    },
  }
}

async function learnIn(
  transaction: Transaction<Tables>,
  readings: readonly LimitReading[],
  logUnreadable: (unreadable: readonly UnreadableRow[]) => void,
): Promise<readonly LimitChange[]> {
  await lockConnections(
    transaction,
    readings.map(({ connectionId }) => connectionId),
  )
  const stored = await knownLimits(transaction, readings)
  if (stored.unreadable.length > 0) {
    logUnreadable(stored.unreadable)
    await removeLimits(transaction, stored.unreadable)
  }
  const { limits, changes } = learn(stored.limits, readings)
  if (limits.length > 0) await storeLimits(transaction, limits)
  if (changes.length > 0) {
    await storeHistory(transaction, changes)
    await dropOldest(transaction, changes)
  }
  return changes
}

/**
 * Has other transactions that learn of one of these connections wait until this one ends. All lock in one order, so
 * that there is no deadlock. Each connection has one of a fixed number of rows to lock, maybe with others; any role of
 * the database could take an advisory lock.
 */
async function lockConnections(transaction: Transaction<Tables>, connectionIds: readonly string[]): Promise<void> {
  await sql`
    select slot from discovery.locks
    where slot in (
      select abs(hashtextextended(id, 0) % ${LOCK_SLOTS}) from json_array_elements_text(${JSON.stringify(connectionIds)}) as id
    )
    order by slot
    for update`.execute(transaction)
}

async function forgetIn(transaction: Transaction<Tables>, connectionIds: readonly string[]): Promise<void> {
  await lockConnections(transaction, connectionIds)
  await transaction.deleteFrom('discovery.limits').where('connection_id', 'in', connectionIds).execute()
  await transaction.deleteFrom('discovery.limit_history').where('connection_id', 'in', connectionIds).execute()
}

async function knownLimits(transaction: Transaction<Tables>, readings: readonly LimitReading[]): Promise<ReadLimits> {
  const keys = new Map(readings.map((reading) => [limitKey(reading), reading]))
  const { rows } = await sql`
    select limits.*
    from discovery.limits
    join json_to_recordset(${JSON.stringify([...keys.values()])})
      as key ("connectionId" text, model text, dimension text)
      on connection_id = "connectionId" and limits.model = key.model and limits.dimension = key.dimension`.execute(
    transaction,
  )
  return readLimitRows(rows)
}

async function removeLimits(transaction: Transaction<Tables>, keys: readonly LimitKey[]): Promise<void> {
  await sql`
    delete from discovery.limits as limits
    using json_to_recordset(${JSON.stringify(keys)}) as key ("connectionId" text, model text, dimension text)
    where (limits.connection_id, limits.model, limits.dimension) = (key."connectionId", key.model, key.dimension)`.execute(
    transaction,
  )
}

async function storeLimits(transaction: Transaction<Tables>, limits: readonly ConnectionLimit[]): Promise<void> {
  await sql`
    insert into discovery.limits (
      connection_id, model, dimension, limit_value, period_ms, period_confidence, remaining,
      reset_at, first_seen_at, last_seen_at, changes, source
    )
    select
      "connectionId", model, dimension, "limit", "periodMs", "periodConfidence", remaining,
      to_timestamp("resetAtMs" / 1000.0), to_timestamp("firstSeenAtMs" / 1000.0), to_timestamp("lastSeenAtMs" / 1000.0),
      changes, source
    from json_to_recordset(${JSON.stringify(limits)}) as learned (
      "connectionId" text, model text, dimension text, "limit" bigint, "periodMs" bigint, "periodConfidence" smallint, remaining bigint,
      "resetAtMs" bigint, "firstSeenAtMs" bigint, "lastSeenAtMs" bigint, changes integer, source text
    )
    on conflict (connection_id, model, dimension) do update set
      limit_value = excluded.limit_value,
      period_ms = excluded.period_ms,
      period_confidence = excluded.period_confidence,
      remaining = excluded.remaining,
      reset_at = excluded.reset_at,
      last_seen_at = excluded.last_seen_at,
      changes = excluded.changes,
      source = excluded.source`.execute(transaction)
}

async function storeHistory(transaction: Transaction<Tables>, changes: readonly LimitChange[]): Promise<void> {
  await sql`
    insert into discovery.limit_history (connection_id, model, dimension, old_limit, new_limit, changed_at)
    select "connectionId", model, dimension, "oldLimit", "newLimit", to_timestamp("changedAtMs" / 1000.0)
    from json_to_recordset(${JSON.stringify(changes)}) as change (
      "connectionId" text, model text, dimension text, "oldLimit" bigint, "newLimit" bigint, "changedAtMs" bigint
    )`.execute(transaction)
}

async function listLimits(
  db: Kysely<Tables>,
  connectionIds: readonly string[],
  logUnreadable: (unreadable: readonly UnreadableRow[]) => void,
): Promise<ReadonlyMap<string, DiscoveredLimit[]>> {
  const { rows } = await sql`
    select latest.*
    from json_array_elements_text(${JSON.stringify(connectionIds)}) as wanted
    cross join lateral (
      select * from discovery.limits where connection_id = wanted order by last_seen_at desc limit ${MAX_LISTED_LIMITS}
    ) as latest
    order by connection_id, model, dimension`.execute(db)
  const byConnection = new Map<string, DiscoveredLimit[]>(connectionIds.map((id) => [id, []]))
  const { limits, unreadable } = readLimitRows(rows)
  logUnreadable(unreadable)
  for (const { connectionId, periodConfidence: _, ...limit } of limits) {
    byConnection.get(connectionId)?.push(limit)
  }
  return byConnection
}
