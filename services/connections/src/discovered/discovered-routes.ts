import {
  ConnectionView,
  documentErrors,
  listDiscovered,
  Period,
  refreshDiscovered,
  SluiceError,
} from '@sluice/contracts'
import { type Static, Type } from 'typebox'
import type { Actor } from '../audit/audit-entry.ts'
import { type ConnectionToChange, changeConnection } from '../connections/change-connections.ts'
import { invalidDocument } from '../connections/connection-documents.ts'
import { ConnectionParams } from '../connections/connection-routes.ts'
import { findConnection } from '../connections/find-connections.ts'
import type { ApplicationDeps } from '../deps.ts'
import { actorOf } from '../http/authentication.ts'
import { IfMatchHeaders, ifMatchVersion, setEtag } from '../http/if-match.ts'
import type { Routes } from '../http/routes.ts'
import type { Insights } from '../insights/insights.ts'
import { capacityFrom, driftOf } from './discovered-capacity.ts'

export const AppliedLimits = Type.Object(
  {
    model: Type.Optional(
      Type.String({ description: 'The model whose limits to take; the smallest over all models when absent' }),
    ),
  },
  { additionalProperties: false },
)

export interface DiscoveredCapacityToApply extends ConnectionToChange {
  /** Which limits, as {@link AppliedLimits}. */
  readonly document: unknown
}

/**
 * Makes the discovered limits the configured capacity.
 * @throws SluiceError `not_found`, `version_conflict`, `nothing_discovered`, `invalid_request` with everything that is wrong with
 * the document; `unavailable` when discovery cannot be asked
 */
export async function applyDiscoveredCapacity(
  deps: ApplicationDeps,
  insights: Pick<Insights, 'discovered'>,
  actor: Actor,
  { document, ...target }: DiscoveredCapacityToApply,
): Promise<ConnectionView> {
  const errors = documentErrors(AppliedLimits, document)
  if (errors.length > 0) throw invalidDocument(errors)
  const { model } = document as Static<typeof AppliedLimits>
  return changeConnection(deps, actor, target, async (before) => {
    const capacity = capacityFrom(before.capacity, await insights.discovered(before.id), model)
    if (capacity === undefined) throw nothingDiscovered(model)
    const connection = { ...before, capacity, version: before.version + 1, updatedAt: deps.now() }
    return { what: 'updated', connection }
  })
}

function nothingDiscovered(model: string | undefined): SluiceError {
  const what = model === undefined ? '' : ` for the model "${model}"`
  return new SluiceError(
    'nothing_discovered',
    `No limit of requests or tokens is discovered${what} of which it is known whether it is per minute, hour or day.`,
  )
}

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
