import { type Selectable, sql, type Transaction } from 'kysely'
import type { Outbox, OutboxEntry } from '../../ports/outbox.ts'
import type { Database } from './database.ts'
import { tryLock } from './locks.ts'
import type { OutboxTable, Tables } from './tables.ts'

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
