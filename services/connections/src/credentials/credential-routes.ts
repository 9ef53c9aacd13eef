import { ConnectionView, CredentialRotation, CredentialVersionPage } from '@sluice/contracts'
import { Type } from 'typebox'
import type { ChangeDeps } from '../connections/change-connections.ts'
import { ConnectionParams } from '../connections/find-connections.ts'
import { actorOf } from '../http/authentication.ts'
import { IfMatchHeaders, ifMatchVersion, setEtag } from '../http/if-match.ts'
import type { Routes } from '../http/routes.ts'
import { pageParameters } from '../paging.ts'
import type { ProviderProbe } from '../probes/provider-probe.ts'
import { listCredentialVersions, type VersionDeps } from './credential-versions.ts'
import { rollBackCredential, rotateCredential } from './rotate-credential.ts'

export interface CredentialRouteDeps extends ChangeDeps, VersionDeps {
  readonly connections: ChangeDeps['connections']
  readonly now: () => Date
  readonly providerProbe: Pick<ProviderProbe, 'test'>
}

/** A connection's credential: rotate, roll back, list its versions. */
export function credentialRoutes(deps: CredentialRouteDeps): Routes {
  return (app) => {
    app.post(
      '/connections/:id/rotate',
      {
        schema: {
          tags,
          description:
            'Tests the new credential with the provider. The old one stays in force if the provider rejects the new one ' +
            '(422 credential_rejected), is unreachable or fails (502 credential_untested): PATCH stores it without a test.',
          params: ConnectionParams,
          headers: IfMatchHeaders,
          body: CredentialRotation,
          response: { 200: ConnectionView },
        },
      },
      async (request, reply) => {
        const target = { id: request.params.id, ifVersion: ifMatchVersion(request) }
        const view = await rotateCredential(deps, actorOf(request), target, request.body)
        setEtag(reply, view.version)
        return view
      },
    )

    app.post(
      '/connections/:id/rollback',
      {
        schema: {
          tags,
          description:
            'Puts the previous credential in force again, as a new version; 409 when it is no longer stored.',
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
          querystring: Type.Object(pageParameters),
          response: { 200: CredentialVersionPage },
        },
      },
      (request) => listCredentialVersions(deps, request.params.id, request.query),
    )
  }
}

const tags = ['connections']
