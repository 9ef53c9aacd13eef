import { type Selectable, sql, type Transaction } from 'kysely'
import { type Database, tryLock } from '../database/database.ts'
import type { OutboxTable, Tables } from '../database/tables.ts'

/** What happened to a connection, as its event tells it. */
export interface ConnectionChange {
  readonly connectionId: string
  readonly name: string
  readonly change: 'created' | 'updated' | 'rotated' | 'deleted'
  readonly version: number
}

/** A committed change that the bus does not know yet. */
export type OutboxEntry =
  | { readonly kind: 'connection'; readonly change: ConnectionChange }
  | { readonly kind: 'api-key'; readonly hash: string }

export interface Outbox {
  /**
   * Publishes what is there and removes what was published, until nothing is left: first what takes something away, with all earlier
   * entries of the same key, then the others, oldest first. What is taken away while others are published waits for one batch of them.
   * Only one caller at a time does so, of all instances: `busy` means that another one is at it. A batch for which `publish` rejects
   * stays, and so does everything after it.
   */
  drain(publish: (entries: readonly OutboxEntry[]) => Promise<void>): Promise<'drained' | 'busy'>
}

export function createOutbox(database: Database): Outbox {
  return {
    drain: async (publish) => {
      for (;;) {
        const status = await database.transaction((trx) => publishBatch(trx, publish))
        if (status !== 'more') return status
      }
    },
  }
}

type Status = 'more' | 'drained' | 'busy'

async function publishBatch(
  trx: Transaction<Tables>,
  publish: (entries: readonly OutboxEntry[]) => Promise<void>,
): Promise<Status> {
  if (!(await tryLock(trx, 'outbox'))) return 'busy'
  const first = trx.selectFrom('outbox').select('key').where('takes_away', '=', true).orderBy('id').limit(BATCH_ROWS)
  const oldest = trx.selectFrom('outbox').selectAll().orderBy('id').limit(BATCH_ROWS)
  let rows = await oldest.where('key', 'in', first).execute()
  if (rows.length === 0) rows = await oldest.execute()
  if (rows.length === 0) return 'drained'
  await publish(rows.map(toEntry))
  const ids = rows.map(({ id }) => id)
  await trx.deleteFrom('outbox').where('id', '=', sql<number>`any(${ids}::bigint[])`).execute()
  return 'more'
}

function toEntry({ kind, key, change }: Selectable<OutboxTable>): OutboxEntry {
  return kind === 'connection' && change !== null ? { kind, change } : { kind: 'api-key', hash: key }
}

/** One batch is what a revocation waits for, and as long as a transaction stays open: some tens of milliseconds. */
const BATCH_ROWS = 250
