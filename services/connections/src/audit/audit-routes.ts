import { AuditPage } from '@sluice/contracts'
import { Type } from 'typebox'
import { validate as isUuid } from 'uuid'
import type { ConnectionStore } from '../connections/connection-store.ts'
import { ConnectionParams, findConnection } from '../connections/find-connections.ts'
import type { Routes } from '../http/routes.ts'
import { DEFAULT_PAGE_SIZE, fromNumberCursor, pageParameters, toPage } from '../paging.ts'
import { toAuditEntryView } from './audit-entry.ts'
import type { AuditLog } from './audit-log.ts'

export interface AuditRouteDeps {
  readonly auditLog: AuditLog
  readonly connections: ConnectionStore
}

/** The audit log: of one connection, or of everything. */
export function auditLogRoutes({ auditLog, connections }: AuditRouteDeps): Routes {
  return (app) => {
    app.get(
      '/connections/:id/activity',
      {
        schema: {
          tags,
          description: "A connection's audit entries, newest first; also after it was deleted.",
          params: ConnectionParams,
          querystring: Type.Object(pageParameters),
          response: { 200: AuditPage },
        },
      },
      async (request) => {
        const { id } = request.params
        const page = await listAuditLog(auditLog, { ...request.query, subjectId: id })
        if (page.items.length === 0) await findConnection(connections, id)
        return page
      },
    )

    app.get(
      '/audit-log',
      {
        schema: {
          tags,
          description: 'All audit entries, newest first.',
          querystring: Type.Object({ ...pageParameters, subjectId }),
          response: { 200: AuditPage },
        },
      },
      (request) => listAuditLog(auditLog, request.query),
    )
  }
}

interface AuditPageQuery {
  readonly subjectId?: string
  readonly limit?: number
  readonly cursor?: string
}

/** @throws SluiceError `invalid_request` for an invalid cursor */
async function listAuditLog(
  auditLog: AuditLog,
  { subjectId, limit = DEFAULT_PAGE_SIZE, cursor }: AuditPageQuery,
): Promise<AuditPage> {
  const beforeId = cursor === undefined ? undefined : fromNumberCursor(cursor)
  if (subjectId !== undefined && !isUuid(subjectId)) return { items: [] }
  const found = await auditLog.list({
    ...(subjectId === undefined ? {} : { subjectId }),
    ...(beforeId === undefined ? {} : { beforeId }),
    limit: limit + 1,
  })
  return toPage(found, limit, toAuditEntryView, ({ id }) => id)
}

const tags = ['audit log']

const subjectId = Type.Optional(
  Type.String({ description: 'Only entries about this connection, API key or operator token' }),
)
