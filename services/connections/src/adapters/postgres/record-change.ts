import type { Transaction } from 'kysely'
import type { Actor } from '../../domain/actor.ts'
import type { ConnectionChange } from '../../ports/outbox.ts'
import type { Tables } from './tables.ts'

export interface AuditEntry {
  readonly actor: Actor
  /** `<what>.<what happened to it>`: `connection.created`. */
  readonly action: string
  readonly subjectId: string
  /** Views, which hold no secret. Undefined before a creation, and after a removal. */
  readonly before?: object | undefined
  readonly after?: object | undefined
}

/** Writes the audit row of a change, in the change's own transaction. */
export async function audit(trx: Transaction<Tables>, entry: AuditEntry): Promise<void> {
  await trx
    .insertInto('audit_log')
    .values({
      actor: entry.actor,
      action: entry.action,
      subject_id: entry.subjectId,
      before: entry.before === undefined ? null : JSON.stringify(entry.before),
      after: entry.after === undefined ? null : JSON.stringify(entry.after),
    })
    .execute()
}

/** Leaves a note in the outbox, in the change's own transaction, that the bus is to know of it. */
export async function enqueue(
  trx: Transaction<Tables>,
  kind: 'connection' | 'api-key',
  key: string,
  change?: ConnectionChange,
): Promise<void> {
  await trx
    .insertInto('outbox')
    .values({ kind, key, change: change === undefined ? null : JSON.stringify(change) })
    .execute()
}
