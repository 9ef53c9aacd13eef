import { sql, type Transaction } from 'kysely'
import type { LimitChange } from '../learn/learn.ts'
import { MAX_KEPT_CHANGES, MAX_KEPT_LIMITS } from '../ports.ts'
import type { Tables } from './schema.ts'

/**
 * Erases what these changes have made too many of: the limits that were seen longest ago, and the oldest changes of
 * one.
 */
export async function dropOldest(transaction: Transaction<Tables>, changes: readonly LimitChange[]): Promise<void> {
  const isNew = ({ oldLimit }: LimitChange) => oldLimit === undefined
  if (changes.some(isNew)) await dropLimits(transaction, changes.filter(isNew))
  await dropChanges(transaction, changes)
}

async function dropLimits(transaction: Transaction<Tables>, changes: readonly LimitChange[]): Promise<void> {
  const connectionIds = JSON.stringify([...new Set(changes.map(({ connectionId }) => connectionId))])
  await sql`
    with dropped as (
      delete from discovery.limits as limits using (
        select connection_id, model, dimension,
          row_number() over (partition by connection_id order by last_seen_at desc, model, dimension) as place
        from discovery.limits
        where connection_id in (select json_array_elements_text(${connectionIds}))
      ) as placed
      where place > ${MAX_KEPT_LIMITS}
        and (limits.connection_id, limits.model, limits.dimension) = (placed.connection_id, placed.model, placed.dimension)
      returning limits.connection_id, limits.model, limits.dimension
    )
    delete from discovery.limit_history as history using dropped
    where (history.connection_id, history.model, history.dimension) = (dropped.connection_id, dropped.model, dropped.dimension)
  `.execute(transaction)
}

async function dropChanges(transaction: Transaction<Tables>, changes: readonly LimitChange[]): Promise<void> {
  await sql`
    delete from discovery.limit_history where id in (
      select oldest.id
      from (
        select distinct "connectionId", model, dimension
        from json_to_recordset(${JSON.stringify(changes)}) as change ("connectionId" text, model text, dimension text)
      ) as changed
      cross join lateral (
        select id from discovery.limit_history as history
        where (history.connection_id, history.model, history.dimension) = (changed."connectionId", changed.model, changed.dimension)
        order by id desc offset ${MAX_KEPT_CHANGES}
      ) as oldest
    )`.execute(transaction)
}
