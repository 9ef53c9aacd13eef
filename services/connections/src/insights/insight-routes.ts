import { CapacityStatus, usageQuery } from '@sluice/contracts'
import { Type } from 'typebox'
import { ConnectionParams } from '../connections/connection-routes.ts'
import { findConnection } from '../connections/find-connections.ts'
import type { ApplicationDeps } from '../deps.ts'
import type { Routes } from '../http/routes.ts'
import type { Insights } from './insights.ts'
import { usageRange } from './usage-range.ts'

/** What the other services know of a connection. */
export function insightRoutes(deps: ApplicationDeps, insights: Insights): Routes {
  return (app) => {
    app.get(
      '/connections/:id/capacity',
      { schema: { tags, params: ConnectionParams, response: { 200: CapacityStatus } } },
      async (request) => {
        const { id } = await findConnection(deps, request.params.id)
        return insights.capacity(id)
      },
    )

    app.get(
      '/connections/:id/usage',
      { schema: { tags, params: ConnectionParams, querystring: UsageParams, response: { 200: usageQuery.reply } } },
      async (request) => {
        const { groupBy, ...range } = request.query
        const asked = usageRange(range, deps.now().getTime())
        const { id } = await findConnection(deps, request.params.id)
        return insights.usage({ connectionId: id, ...asked, ...(groupBy === undefined ? {} : { groupBy }) })
      },
    )
  }
}

const tags = ['insights']

const UsageParams = Type.Object({
  from: Type.Optional(Type.String({ description: 'RFC 3339; an hour before `to` when absent' })),
  to: Type.Optional(Type.String({ description: 'RFC 3339, not included; now when absent' })),
  step: Type.Optional(
    Type.String({
      description:
        'Minutes, hours or days: 5m, 1h, 1d; when absent, as short as the range allows. Longer in the answer where usage is not kept so finely any more',
    }),
  ),
  groupBy: usageQuery.request.properties.groupBy,
})
