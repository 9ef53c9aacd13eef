import { ConnectionView, listDiscovered, Period, refreshDiscovered } from '@sluice/contracts'
import { Type } from 'typebox'
import { AppliedLimits, applyDiscoveredCapacity } from '../application/apply-discovered-capacity.ts'
import type { ApplicationDeps } from '../application/deps.ts'
import { findConnection } from '../application/find-connection.ts'
import { driftOf } from '../domain/discovered-capacity.ts'
import type { Insights } from '../ports/insights.ts'
import { actorOf } from './authenticate.ts'
import { ConnectionParams } from './connections.ts'
import { IfMatchHeaders, ifMatchVersion, setEtag } from './if-match.ts'
import type { Routes } from './routes.ts'

/** What the provider's answers tell of a connection's limits, and making it the configured capacity. */
export function discoveredCapacityRoutes(deps: ApplicationDeps, insights: Insights): Routes {
  return (app) => {
    app.get(
      '/connections/:id/discovered-capacity',
      { schema: { tags, params: ConnectionParams, response: { 200: DiscoveredCapacity } } },
      async (request) => {
        const { id, capacity } = await findConnection(deps, request.params.id)
        const items = [...(await insights.discovered(id))]
        return { items, drift: driftOf(capacity, items) }
      },
    )

    app.post(
      '/connections/:id/discovered-capacity/refresh',
      {
        schema: {
          tags,
          description:
            "Reads the limits that the provider tells when it is asked: AWS's Service Quotas, with the role of a Bedrock connection. 400 for other providers, 403 when AWS does not let the role be assumed or read quotas, 502 when AWS does not answer.",
          params: ConnectionParams,
          response: { 200: refreshDiscovered.reply },
        },
      },
      async (request) => {
        const { id } = await findConnection(deps, request.params.id)
        return insights.refreshDiscovered(id)
      },
    )

    app.post(
      '/connections/:id/discovered-capacity/apply',
      {
        schema: {
          tags,
          description:
            'Makes the discovered limits the configured capacity: of each period the smallest over the models, or those of one model. What is not discovered stays as it is; 409 when nothing is whose period is known. Configured limits count all tokens that were used, cached input too, which most providers do not count: for limits of tokens prefer `enforceDiscovered`, which counts as the provider does.',
          params: ConnectionParams,
          headers: IfMatchHeaders,
          body: Type.Optional(AppliedLimits),
          response: { 200: ConnectionView },
        },
      },
      async (request, reply) => {
        const { params, body: document = {} } = request
        const target = { id: params.id, ifVersion: ifMatchVersion(request), document }
        const view = await applyDiscoveredCapacity(deps, insights, actorOf(request), target)
        setEtag(reply, view.version)
        return view
      },
    )
  }
}

const DiscoveredCapacity = Type.Object({
  ...listDiscovered.reply.properties,
  drift: Type.Array(
    Type.Object({
      model: Type.String(),
      dimension: Type.String(),
      period: Period,
      configured: Type.Integer(),
      discovered: Type.Integer(),
    }),
    { description: 'Where the configured capacity is above what the provider gives.' },
  ),
})

const tags = ['insights']
