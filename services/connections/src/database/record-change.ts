import type { Kysely, Transaction } from 'kysely'
import type { NewAuditEntry } from '../audit/audit-entry.ts'
import type { OutboxEntry } from '../bus/outbox.ts'
import type { Tables } from './tables.ts'

/** Writes an audit row: that of a change, in the change's own transaction. */
export async function audit(db: Kysely<Tables>, entry: NewAuditEntry): Promise<void> {
  const { actor, action, subjectId, before, after, details } = entry
  await db
    .insertInto('audit_log')
    .values({
      actor: actor.label,
      actor_token_id: actor.tokenId ?? null,
      action,
      subject_id: subjectId ?? null,
      before: before === undefined ? null : JSON.stringify(before),
      after: after === undefined ? null : JSON.stringify(after),
      details: details === undefined ? null : JSON.stringify(details),
    })
    .execute()
}

/**
 * Leaves a note in the outbox, in the change's own transaction, that the bus is to know of it.
 * @param takesAway whether it goes before what does not
 */
export async function enqueue(trx: Transaction<Tables>, entry: OutboxEntry, takesAway: boolean): Promise<void> {
  const row =
    entry.kind === 'connection'
      ? { kind: entry.kind, key: entry.change.connectionId, change: JSON.stringify(entry.change) }
      : { kind: entry.kind, key: entry.hash, change: null }
  await trx
    .insertInto('outbox')
    .values({ ...row, takes_away: takesAway })
    .execute()
}
