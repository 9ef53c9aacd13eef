import type { ApplicationDeps } from '../application/deps.ts'
import { findConnection } from '../application/find-connection.ts'
import { RoleTrust, type RoleTrustSettings, roleTrust } from '../domain/role-trust.ts'
import { ConnectionParams } from './connections.ts'
import type { Routes } from './routes.ts'

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

const tags = ['connections']
