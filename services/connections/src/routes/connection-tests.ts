import { ConnectionTest, ConnectionTestInput } from '@sluice/contracts'
import type { ApplicationDeps } from '../application/deps.ts'
import { testConnection } from '../application/test-connection.ts'
import { testGivenConnection } from '../application/test-given-connection.ts'
import { ConnectionParams } from './connections.ts'
import type { Routes } from './routes.ts'

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

const tags = ['connections']
