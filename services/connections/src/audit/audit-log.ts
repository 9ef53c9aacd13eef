import type { AuditPage } from '@sluice/contracts'
import type { Selectable } from 'kysely'
import { validate as isUuid } from 'uuid'
import type { Database } from '../database/database.ts'
import { audit } from '../database/record-change.ts'
import type { AuditLogTable } from '../database/tables.ts'
import type { ApplicationDeps } from '../deps.ts'
import { fromNumberCursor, toCursor } from '../paging.ts'
import { type AuditEntry, type NewAuditEntry, toAuditEntryView } from './audit-entry.ts'

export interface AuditQuery {
  /** Only what is about this connection, API key or operator token. */
  readonly subjectId?: string
  /** Only entries with a smaller id. */
  readonly beforeId?: number
  readonly limit: number
}

/** Who did what. The stores write the entries of changes themselves, in each change's own transaction. */
export interface AuditLog {
  record(entry: NewAuditEntry): Promise<void>
  /** Newest first. */
  list(query: AuditQuery): Promise<readonly AuditEntry[]>
}

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

export interface AuditPageQuery {
  /** Only what is about this connection, API key or operator token. */
  readonly subjectId?: string
  readonly limit?: number
  readonly cursor?: string
}

/** A page of the audit log, newest first. @throws SluiceError `invalid_request` for a cursor that is none */
export async function listAuditLog(
  { auditLog }: Pick<ApplicationDeps, 'auditLog'>,
  { subjectId, limit = DEFAULT_LIMIT, cursor }: AuditPageQuery,
): Promise<AuditPage> {
  const beforeId = cursor === undefined ? undefined : fromNumberCursor(cursor)
  if (subjectId !== undefined && !isUuid(subjectId)) return { items: [] }
  const found = await auditLog.list({
    ...(subjectId === undefined ? {} : { subjectId }),
    ...(beforeId === undefined ? {} : { beforeId }),
    limit: limit + 1, // One more than asked for tells whether there is a next page.
  })
  const items = found.slice(0, limit).map(toAuditEntryView)
  const last = items.at(-1)
  return found.length > limit && last !== undefined ? { items, nextCursor: toCursor(last.id) } : { items }
}

const DEFAULT_LIMIT = 50
