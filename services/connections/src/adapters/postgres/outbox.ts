import { type Selectable, sql, type Transaction } from 'kysely'
import type { Outbox, OutboxEntry } from '../../ports/outbox.ts'
import { LOCKS } from './advisory-locks.ts'
import type { Database } from './database.ts'
import type { OutboxTable, Tables } from './tables.ts'

export function createOutbox(database: Database): Outbox {
  return {
    drain: async (publish) => {
      for (;;) {
        const { status, failure } = await database.transaction((trx) => publishBatch(trx, publish))
        if (failure !== undefined) throw failure.error
        if (status !== 'more') return status
      }
    },
  }
}

interface Batch {
  readonly status: 'more' | 'drained' | 'busy'
  /** What `publish` rejected with. It is a value, so that what was published before it is removed all the same. */
  readonly failure?: { readonly error: unknown }
}

async function publishBatch(trx: Transaction<Tables>, publish: (entry: OutboxEntry) => Promise<void>): Promise<Batch> {
  const lock = await sql<{ taken: boolean }>`select pg_try_advisory_xact_lock(${LOCKS.outbox}) as taken`.execute(trx)
  if (lock.rows[0]?.taken !== true) return { status: 'busy' }
  const rows = await trx.selectFrom('outbox').selectAll().orderBy('id').limit(BATCH_ROWS).execute()
  const published: number[] = []
  let failure: Batch['failure']
  for (const row of rows) {
    try {
      await publish(toEntry(row))
    } catch (error) {
      failure = { error }
      break
    }
    published.push(row.id)
  }
  if (published.length > 0) await trx.deleteFrom('outbox').where('id', 'in', published).execute()
  const status = rows.length < BATCH_ROWS ? 'drained' : 'more'
  return failure === undefined ? { status } : { status, failure }
}

function toEntry({ kind, key, change }: Selectable<OutboxTable>): OutboxEntry {
  return kind === 'connection' && change !== null ? { kind, change } : { kind: 'api-key', hash: key }
}

/** Small, so that no transaction stays open for long. */
const BATCH_ROWS = 20
