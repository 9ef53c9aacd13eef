import {
  ConnectionInput,
  ConnectionPatch,
  ConnectionView,
  listConnections as listDefinition,
  ProviderId,
} from '@sluice/contracts'
import { CATALOGUE, secretFields } from '@sluice/providers'
import { Type } from 'typebox'
import { actorOf } from '../http/authentication.ts'
import { IfMatchHeaders, ifMatchVersion, setEtag } from '../http/if-match.ts'
import type { Routes } from '../http/routes.ts'
import { RoleTrust, type RoleTrustSettings, roleTrust } from '../role-trust/role-trust.ts'
import { type ChangeDeps, createConnection, deleteConnection, updateConnection } from './change-connections.ts'
import type { ConnectionRules } from './config-errors.ts'
import { toView } from './connection.ts'
import { ConnectionParams, findConnection, listConnections } from './find-connections.ts'

export interface ConnectionRouteDeps extends ChangeDeps {
  readonly newId: () => string
  readonly roleTrustSettings: RoleTrustSettings
}

/** Connections: list, create, read, update, delete; and what the account of a connection's AWS role must grant. */
export function connectionRoutes(deps: ConnectionRouteDeps): Routes {
  const { connections, roleTrustSettings } = deps
  return (app) => {
    app.get(
      '/connections',
      { schema: { tags, querystring: listDefinition.request, response: { 200: listDefinition.reply } } },
      (request) => listConnections(connections, request.query),
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
        const view = toView(await findConnection(connections, request.params.id))
        setEtag(reply, view.version)
        return view
      },
    )

    app.patch(
      '/connections/:id',
      {
        schema: {
          tags,
          description:
            'Changes a connection. Absent fields stay; null resets a setting to its default. A secret in `config` rotates the credential without testing it.',
          params: ConnectionParams,
          headers: IfMatchHeaders,
          body: ConnectionPatch,
          response: { 200: ConnectionView },
        },
      },
      async (request, reply) => {
        const target = { id: request.params.id, ifVersion: ifMatchVersion(request) }
        const view = await updateConnection(deps, actorOf(request), target, request.body)
        setEtag(reply, view.version)
        return view
      },
    )

    app.delete(
      '/connections/:id',
      { schema: { tags, params: ConnectionParams, headers: IfMatchHeaders, response: { 204: Type.Null() } } },
      async (request, reply) => {
        const target = { id: request.params.id, ifVersion: ifMatchVersion(request) }
        await deleteConnection(connections, actorOf(request), target)
        return reply.code(204).send(null)
      },
    )

    app.get(
      '/connections/:id/role-trust',
      {
        schema: {
          tags,
          description:
            "What the AWS account of a Bedrock connection's role must grant: policies to paste, and a link that creates the role.",
          params: ConnectionParams,
          response: { 200: RoleTrust },
        },
      },
      async (request) => roleTrust(await findConnection(connections, request.params.id), roleTrustSettings),
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
      available: Type.Boolean({ description: 'Whether connections to it can be created' }),
      config: Type.Unknown({ description: "JSON schema of a connection's config" }),
      secretFields: Type.Array(Type.String(), { description: 'Fields of config that are never returned' }),
      docsUrl: Type.String(),
    }),
  ),
})

const tags = ['connections']
