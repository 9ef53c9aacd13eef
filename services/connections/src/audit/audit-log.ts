import { readStored } from '@sluice/postgres'
import type { Kysely, Selectable } from 'kysely'
import { Type } from 'typebox'
import type { Database } from '../database/database.ts'
import type { AuditLogTable, Tables } from '../database/tables.ts'
import type { AuditEntry, NewAuditEntry } from './audit-entry.ts'

export interface AuditQuery {
  /** Only entries about this connection, API key or operator token. */
  readonly subjectId?: string
  /** Only entries with a smaller id. */
  readonly beforeId?: number
  readonly limit: number
}

/** The audit log. The entries of changes are written by the stores, with {@link audit}. */
export type AuditLog = ReturnType<typeof createAuditLog>

export function createAuditLog(database: Database) {
  return {
    record: (entry: NewAuditEntry): Promise<void> => database.run((db) => audit(db, entry)),

    /** Newest first. */
    list: async ({ subjectId, beforeId, limit }: AuditQuery): Promise<AuditEntry[]> => {
      const rows = await database.run((db) => {
        let query = db.selectFrom('audit_log').selectAll().orderBy('id', 'desc').limit(limit)
        if (subjectId !== undefined) query = query.where('subject_id', '=', subjectId)
        if (beforeId !== undefined) query = query.where('id', '<', beforeId)
        return query.execute()
      })
      return rows.map(fromRow)
    },
  }
}

/**
 * Writes an audit entry: that of a change in the change's own transaction, so that neither exists without the other.
 */
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

function fromRow(row: Selectable<AuditLogTable>): AuditEntry {
  const { before, after, details } = readStored(StoredJson, row, `audit entry ${row.id}`)
  return {
    id: row.id,
    at: row.at,
    actor: { label: row.actor, ...(row.actor_token_id === null ? {} : { tokenId: row.actor_token_id }) },
    action: row.action,
    ...(row.subject_id === null ? {} : { subjectId: row.subject_id }),
    before: before ?? undefined,
    after: after ?? undefined,
    ...(details === null ? {} : { details }),
  }
}

const StoredView = Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()])
const StoredJson = Type.Object({
  before: StoredView,
  after: StoredView,
  details: Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()]),
})
