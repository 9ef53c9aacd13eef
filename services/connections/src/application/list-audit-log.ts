import type { AuditPage } from '@sluice/contracts'
import { validate as isUuid } from 'uuid'
import { toAuditEntryView } from '../domain/audit-entry.ts'
import { fromNumberCursor, toCursor } from '../domain/list-cursor.ts'
import type { ApplicationDeps } from './deps.ts'

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
