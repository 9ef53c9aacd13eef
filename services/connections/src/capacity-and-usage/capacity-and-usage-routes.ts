import { CapacityStatus, usageQuery } from '@sluice/contracts'
import { Type } from 'typebox'
import type { OtherServices } from '../bus/other-services.ts'
import type { ConnectionStore } from '../connections/connection-store.ts'
import { ConnectionParams, findConnection } from '../connections/find-connections.ts'
import type { Routes } from '../http/routes.ts'
import { usageRange } from './usage-range.ts'

export interface CapacityAndUsageRouteDeps {
  readonly connections: ConnectionStore
  readonly otherServices: OtherServices
  readonly now: () => Date
}

/** A connection's capacity and usage, from the services that know them. */
export function capacityAndUsageRoutes({ connections, otherServices, now }: CapacityAndUsageRouteDeps): Routes {
  return (app) => {
    app.get(
      '/connections/:id/capacity',
      { schema: { tags, params: ConnectionParams, response: { 200: CapacityStatus } } },
      async (request) => {
        const { id } = await findConnection(connections, request.params.id)
        return otherServices.capacity(id)
      },
    )

    app.get(
      '/connections/:id/usage',
      { schema: { tags, params: ConnectionParams, querystring: UsageParams, response: { 200: usageQuery.reply } } },
      async (request) => {
        const { groupBy, ...given } = request.query
        const range = usageRange(given, now().getTime())
        const { id } = await findConnection(connections, request.params.id)
        return otherServices.usage({ connectionId: id, ...range, ...(groupBy === undefined ? {} : { groupBy }) })
      },
    )
  }
}

const tags = ['capacity and usage']

const UsageParams = Type.Object({
  from: Type.Optional(Type.String({ description: 'RFC 3339; an hour before `to` when absent' })),
  to: Type.Optional(Type.String({ description: 'RFC 3339, exclusive; now when absent' })),
  step: Type.Optional(
    Type.String({
      description:
        'Minutes, hours or days: 5m, 1h, 1d; when absent, as short as the range allows. Longer in the response where usage is no longer stored at this resolution',
    }),
  ),
  groupBy: usageQuery.request.properties.groupBy,
})
