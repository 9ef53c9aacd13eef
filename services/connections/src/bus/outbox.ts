import { connectionChanged } from '@sluice/contracts'
import { readStored } from '@sluice/postgres'
import { type Selectable, sql, type Transaction } from 'kysely'
import type { Static } from 'typebox'
import { type Database, tryLock } from '../database/database.ts'
import type { OutboxTable, Tables } from '../database/tables.ts'

/** A change of a connection, as its event has it. */
export type ConnectionChange = Static<typeof connectionChanged.event>

/** A committed change that is not published yet. */
export type OutboxEntry =
  | { readonly kind: 'connection'; readonly change: ConnectionChange }
  | { readonly kind: 'api-key'; readonly hash: string }

export function createOutbox(database: Database) {
  return {
    /**
     * Publishes the entries in batches and deletes them, until none is left: first restrictions, with all earlier
     * entries of the same key, then the others, oldest first. A restriction that is committed meanwhile waits for at
     * most one batch. Of all instances only one does so at a time; `busy`: another one is. When `publish` rejects, the
     * batch and everything after it stays.
     */
    drain: async (publish: (entries: readonly OutboxEntry[]) => Promise<void>): Promise<'drained' | 'busy'> => {
      for (;;) {
        const status = await database.transaction((trx) => publishBatch(trx, publish))
        if (status !== 'more') return status
      }
    },
  }
}

/**
 * Adds an entry, in the transaction of its change.
 * @param restricts whether it is published before changes that do not restrict
 */
export async function enqueue(
  trx: Transaction<Tables>,
  entry: OutboxEntry,
  { restricts }: { readonly restricts: boolean },
): Promise<void> {
  const row =
    entry.kind === 'connection'
      ? { kind: entry.kind, key: entry.change.connectionId, change: JSON.stringify(entry.change) }
      : { kind: entry.kind, key: entry.hash, change: null }
  await trx
    .insertInto('outbox')
    .values({ ...row, restricts })
    .execute()
}

async function publishBatch(
  trx: Transaction<Tables>,
  publish: (entries: readonly OutboxEntry[]) => Promise<void>,
): Promise<'more' | 'drained' | 'busy'> {
  if (!(await tryLock(trx, 'outbox'))) return 'busy'
  const restricted = trx
    .selectFrom('outbox')
    .select('key')
    .where('restricts', '=', true)
    .orderBy('id')
    .limit(BATCH_ROWS)
  const oldest = trx.selectFrom('outbox').selectAll().orderBy('id').limit(BATCH_ROWS)
  let rows = await oldest.where('key', 'in', restricted).execute()
  if (rows.length === 0) rows = await oldest.execute()
  if (rows.length === 0) return 'drained'
  await publish(rows.map(toEntry))
  const ids = rows.map(({ id }) => id)
  await trx.deleteFrom('outbox').where('id', '=', sql<number>`any(${ids}::bigint[])`).execute()
  return 'more'
}

function toEntry({ id, kind, key, change }: Selectable<OutboxTable>): OutboxEntry {
  return kind === 'connection'
    ? { kind, change: readStored(connectionChanged.event, change, `outbox entry ${id}`) }
    : { kind: 'api-key', hash: key }
}

/** A revocation waits for at most one batch, whose transaction stays open for some tens of milliseconds. */
const BATCH_ROWS = 250
