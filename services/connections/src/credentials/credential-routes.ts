import { ConnectionView, CredentialRotation, CredentialVersionPage } from '@sluice/contracts'
import { Type } from 'typebox'
import { ConnectionParams } from '../connections/connection-routes.ts'
import type { ApplicationDeps } from '../deps.ts'
import { actorOf } from '../http/authentication.ts'
import { IfMatchHeaders, ifMatchVersion, setEtag } from '../http/if-match.ts'
import type { Routes } from '../http/routes.ts'
import { listCredentialVersions } from './credential-versions.ts'
import { rollBackCredential, rotateCredential } from './rotate-credential.ts'

/** A connection's credential: rotate, roll back, and what there was. */
export function credentialRoutes(deps: ApplicationDeps): Routes {
  return (app) => {
    app.post(
      '/connections/:id/rotate',
      {
        schema: {
          tags,
          description:
            'Tests the new credential with the provider. The old one stays in force where the provider refuses the new one ' +
            '(422 credential_rejected), or cannot be reached or fails (502 credential_untested): PATCH stores it without a test.',
          params: ConnectionParams,
          headers: IfMatchHeaders,
          body: CredentialRotation,
          response: { 200: ConnectionView },
        },
      },
      async (request, reply) => {
        const rotation = { id: request.params.id, ifVersion: ifMatchVersion(request), document: request.body }
        const view = await rotateCredential(deps, actorOf(request), rotation)
        setEtag(reply, view.version)
        return view
      },
    )

    app.post(
      '/connections/:id/rollback',
      {
        schema: {
          tags,
          description: 'Puts the previous credential in force again, as a new version; 409 when it is no longer kept.',
          params: ConnectionParams,
          headers: IfMatchHeaders,
          response: { 200: ConnectionView },
        },
      },
      async (request, reply) => {
        const target = { id: request.params.id, ifVersion: ifMatchVersion(request) }
        const view = await rollBackCredential(deps, actorOf(request), target)
        setEtag(reply, view.version)
        return view
      },
    )

    app.get(
      '/connections/:id/credentials',
      {
        schema: {
          tags,
          description: 'The versions of the credential, newest first; never the credential.',
          params: ConnectionParams,
          querystring: PageQuery,
          response: { 200: CredentialVersionPage },
        },
      },
      (request) => listCredentialVersions(deps, request.params.id, request.query),
    )
  }
}

const PageQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
  cursor: Type.Optional(Type.String({ maxLength: 200 })),
})
const tags = ['connections']
