import type { Selectable } from 'kysely'
import type { AuditEntry } from '../../domain/audit-entry.ts'
import type { AuditLog } from '../../ports/audit-log.ts'
import type { Database } from './database.ts'
import { audit } from './record-change.ts'
import type { AuditLogTable } from './tables.ts'

export function createAuditLog(database: Database): AuditLog {
  return {
    record: (entry) => database.run((db) => audit(db, entry)),
    list: async ({ subjectId, beforeId, limit }) => {
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

function fromRow(row: Selectable<AuditLogTable>): AuditEntry {
  return {
    id: row.id,
    at: row.at,
    actor: { label: row.actor, ...(row.actor_token_id === null ? {} : { tokenId: row.actor_token_id }) },
    action: row.action,
    ...(row.subject_id === null ? {} : { subjectId: row.subject_id }),
    before: row.before ?? undefined,
    after: row.after ?? undefined,
    ...(row.details === null ? {} : { details: row.details }),
  }
}
