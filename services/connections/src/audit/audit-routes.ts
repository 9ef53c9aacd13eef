import { AuditPage } from '@sluice/contracts'
import { Type } from 'typebox'
import { ConnectionParams } from '../connections/connection-routes.ts'
import { findConnection } from '../connections/find-connections.ts'
import type { ApplicationDeps } from '../deps.ts'
import type { Routes } from '../http/routes.ts'
import { listAuditLog } from './audit-log.ts'

/** Who did what: to one connection, or to anything. */
export function auditLogRoutes(deps: ApplicationDeps): Routes {
  return (app) => {
    app.get(
      '/connections/:id/activity',
      { schema: { tags, params: ConnectionParams, querystring: Type.Object(paging), response: { 200: AuditPage } } },
      async (request) => {
        const { id } = request.params
        const page = await listAuditLog(deps, { ...request.query, subjectId: id })
        // What was done to a connection can be read when it is gone, too.
        if (page.items.length === 0) await findConnection(deps, id)
        return page
      },
    )

    app.get(
      '/audit-log',
      { schema: { tags, querystring: Type.Object({ ...paging, subjectId }), response: { 200: AuditPage } } },
      (request) => listAuditLog(deps, request.query),
    )
  }
}

const tags = ['audit log']

const paging = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
  cursor: Type.Optional(Type.String({ maxLength: 200 })),
}

const subjectId = Type.Optional(
  Type.String({ description: 'Only what is about this connection, API key or operator token' }),
)
