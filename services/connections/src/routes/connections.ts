import { ConnectionInput, ConnectionPatch, ConnectionView, listConnections as listDefinition } from '@sluice/contracts'
import { Type } from 'typebox'
import { createConnection } from '../application/create-connection.ts'
import { deleteConnection } from '../application/delete-connection.ts'
import type { ApplicationDeps } from '../application/deps.ts'
import { findConnection } from '../application/find-connection.ts'
import { listConnections } from '../application/list-connections.ts'
import { updateConnection } from '../application/update-connection.ts'
import { toView } from '../domain/connection.ts'
import { actorOf } from './authenticate.ts'
import { IfMatchHeaders, ifMatchVersion, setEtag } from './if-match.ts'
import type { Routes } from './routes.ts'

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
