import {
  ConnectionInput,
  ConnectionPatch,
  ConnectionTest,
  ConnectionTestInput,
  ConnectionView,
  listConnections as listDefinition,
  ProviderId,
} from '@sluice/contracts'
import { CATALOGUE, secretFields } from '@sluice/providers'
import { Type } from 'typebox'
import type { ApplicationDeps } from '../deps.ts'
import { actorOf } from '../http/authentication.ts'
import { IfMatchHeaders, ifMatchVersion, setEtag } from '../http/if-match.ts'
import type { Routes } from '../http/routes.ts'
import { testConnection, testGivenConnection } from '../probes/test-connection.ts'
import { RoleTrust, type RoleTrustSettings, roleTrust } from '../role-trust/role-trust.ts'
import { createConnection, deleteConnection, updateConnection } from './change-connections.ts'
import { toView } from './connection.ts'
import type { ConnectionRules } from './connection-documents.ts'
import { findConnection, listConnections } from './find-connections.ts'

/** Connections: list, create, read, update, delete. */
export function connectionRoutes(deps: ApplicationDeps): Routes {
  return (app) => {
    app.get(
      '/connections',
      { schema: { tags, querystring: listDefinition.request, response: { 200: listDefinition.reply } } },
      (request) => listConnections(deps, request.query),
    )

    app.post(
      '/connections',
      { schema: { tags, body: ConnectionInput, response: { 201: ConnectionView } } },
      async (request, reply) => {
        const view = await createConnection(deps, actorOf(request), request.body)
        setEtag(reply, view.version)
        return reply.code(201).header('location', `/api/v1/connections/${view.id}`).send(view)
      },
    )

    app.get(
      '/connections/:id',
      { schema: { tags, params: ConnectionParams, response: { 200: ConnectionView } } },
      async (request, reply) => {
        const view = toView(await findConnection(deps, request.params.id))
        setEtag(reply, view.version)
        return view
      },
    )

    app.patch(
      '/connections/:id',
      {
        schema: {
          tags,
          params: ConnectionParams,
          headers: IfMatchHeaders,
          body: ConnectionPatch,
          response: { 200: ConnectionView },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const update = { id, ifVersion: ifMatchVersion(request), document: request.body }
        const view = await updateConnection(deps, actorOf(request), update)
        setEtag(reply, view.version)
        return view
      },
    )

    app.delete(
      '/connections/:id',
      { schema: { tags, params: ConnectionParams, headers: IfMatchHeaders, response: { 204: Type.Null() } } },
      async (request, reply) => {
        await deleteConnection(deps, actorOf(request), request.params.id, ifMatchVersion(request))
        return reply.code(204).send(null)
      },
    )
  }
}

export const ConnectionParams = Type.Object({ id: Type.String() })

const tags = ['connections']

/** Trying a connection, stored or not. What the provider answers is answered with 200, a refusal too. */
export function connectionTestRoutes(deps: ApplicationDeps): Routes {
  return (app) => {
    app.post(
      '/connections/:id/test',
      { schema: { tags, params: ConnectionParams, response: { 200: ConnectionTest } } },
      (request) => testConnection(deps, request.params.id),
    )

    app.post(
      '/connections/test',
      { schema: { tags, body: ConnectionTestInput, response: { 200: ConnectionTest } } },
      (request) => testGivenConnection(deps, request.body),
    )
  }
}

/** The catalogue of providers. */
export function providerRoutes({ isAvailable }: Pick<ConnectionRules, 'isAvailable'>): Routes {
  const items = Object.values(CATALOGUE).map((entry) => ({
    id: entry.id,
    name: entry.name,
    available: isAvailable(entry.id),
    config: entry.config,
    secretFields: secretFields(entry),
    docsUrl: entry.docsUrl,
  }))
  return (app) => {
    app.get('/providers', { schema: { tags: ['providers'], response: { 200: ProviderList } } }, () => ({ items }))
  }
}

const ProviderList = Type.Object({
  items: Type.Array(
    Type.Object({
      id: ProviderId,
      name: Type.String(),
      available: Type.Boolean({ description: 'Whether connections to it can be made' }),
      config: Type.Unknown({ description: "JSON schema of a connection's config" }),
      secretFields: Type.Array(Type.String(), { description: 'Fields of config that are never answered' }),
      docsUrl: Type.String(),
    }),
  ),
})

/** What the account of a connection's AWS role must grant: policies to paste, and a link that makes the role. */
export function roleTrustRoute(deps: ApplicationDeps, settings: RoleTrustSettings): Routes {
  return (app) => {
    app.get(
      '/connections/:id/role-trust',
      { schema: { tags, params: ConnectionParams, response: { 200: RoleTrust } } },
      async (request) => roleTrust(await findConnection(deps, request.params.id), settings),
    )
  }
}
