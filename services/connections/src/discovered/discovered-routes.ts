import { ConnectionView, listDiscovered, Period, refreshDiscovered, SluiceError } from '@sluice/contracts'
import { Type } from 'typebox'
import type { Actor } from '../audit/audit-entry.ts'
import type { OtherServices } from '../bus/other-services.ts'
import { type ConnectionTarget, changeConnection } from '../connections/change-connections.ts'
import type { ConnectionStore } from '../connections/connection-store.ts'
import { ConnectionParams, findConnection } from '../connections/find-connections.ts'
import { parseDocument } from '../documents.ts'
import { actorOf } from '../http/authentication.ts'
import { IfMatchHeaders, ifMatchVersion, setEtag } from '../http/if-match.ts'
import type { Routes } from '../http/routes.ts'
import { capacityFrom, driftOf } from './discovered-capacity.ts'

export interface DiscoveredRouteDeps {
  readonly connections: ConnectionStore
  readonly otherServices: OtherServices
  readonly now: () => Date
}

/** The limits that a connection's provider was found to apply, and applying them as its configured capacity. */
export function discoveredCapacityRoutes(deps: DiscoveredRouteDeps): Routes {
  const { connections, otherServices } = deps
  return (app) => {
    app.get(
      '/connections/:id/discovered-capacity',
      { schema: { tags, params: ConnectionParams, response: { 200: DiscoveredCapacity } } },
      async (request) => {
        const { id, capacity } = await findConnection(connections, request.params.id)
        const items = await otherServices.discovered(id)
        return { items, drift: driftOf(capacity, items) }
      },
    )

    app.post(
      '/connections/:id/discovered-capacity/refresh',
      {
        schema: {
          tags,
          description:
            'Reads the limits from the provider: from AWS Service Quotas, with the role of a Bedrock connection. 400 for other providers, 403 when AWS does not allow the role to be assumed or quotas to be read, 502 when AWS does not respond.',
          params: ConnectionParams,
          response: { 200: refreshDiscovered.reply },
        },
      },
      async (request) => {
        const { id } = await findConnection(connections, request.params.id)
        return otherServices.refreshDiscovered(id)
      },
    )

    app.post(
      '/connections/:id/discovered-capacity/apply',
      {
        schema: {
          tags,
          description:
            'Makes the discovered limits the configured capacity: for each period the smallest over the models, or those of one model. Other limits stay; 409 when no discovered limit has a known period. Configured limits count all used tokens, including cached input, which most providers do not count: for token limits prefer `enforceDiscovered`, which counts as the provider does.',
          params: ConnectionParams,
          headers: IfMatchHeaders,
          body: Type.Optional(LimitsToApply),
          response: { 200: ConnectionView },
        },
      },
      async (request, reply) => {
        const { params, body: document = {} } = request
        const target = { id: params.id, ifVersion: ifMatchVersion(request) }
        const view = await applyDiscoveredCapacity(deps, actorOf(request), target, document)
        setEtag(reply, view.version)
        return view
      },
    )
  }
}

/**
 * Makes the discovered limits the configured capacity.
 * @throws SluiceError `not_found`, `version_conflict`, `nothing_discovered`; `invalid_request` with everything that is wrong with the
 * document; `unavailable` when the discovery service does not reply
 */
async function applyDiscoveredCapacity(
  { connections, otherServices, now }: DiscoveredRouteDeps,
  actor: Actor,
  target: ConnectionTarget,
  document: unknown,
): Promise<ConnectionView> {
  const { model } = parseDocument(LimitsToApply, document)
  return changeConnection(connections, actor, target, async (before) => {
    const capacity = capacityFrom(before.capacity, await otherServices.discovered(before.id), model)
    if (capacity === undefined) throw nothingDiscovered(model)
    const connection = { ...before, capacity, version: before.version + 1, updatedAt: now() }
    return { action: 'updated', connection }
  })
}

function nothingDiscovered(model: string | undefined): SluiceError {
  const scope = model === undefined ? '' : ` for the model "${model}"`
  return new SluiceError('nothing_discovered', `No discovered limit${scope} has a known period yet.`)
}

const LimitsToApply = Type.Object(
  {
    model: Type.Optional(
      Type.String({ description: 'The model whose limits to apply; the smallest over all models when absent' }),
    ),
  },
  { additionalProperties: false },
)

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
    { description: "Where the configured capacity is above the provider's limit." },
  ),
})

const tags = ['capacity and usage']
