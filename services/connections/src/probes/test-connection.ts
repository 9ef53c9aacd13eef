import { ConnectionTest, ConnectionTestInput, type CredentialFields, SluiceError } from '@sluice/contracts'
import { Secret } from '@sluice/service-kit'
import type { ConnectionRules } from '../connections/config-errors.ts'
import type { Connection } from '../connections/connection.ts'
import { validateConnectionTest } from '../connections/connection-documents.ts'
import type { ConnectionStore } from '../connections/connection-store.ts'
import { ConnectionParams, findConnection } from '../connections/find-connections.ts'
import { recordCredentialStatus, type StatusDeps } from '../credentials/credential-status.ts'
import { type DecryptDeps, decryptCredentialFields } from '../credentials/stored-credentials.ts'
import type { Routes } from '../http/routes.ts'
import type { ProviderProbe } from './provider-probe.ts'

export interface ConnectionTestDeps extends DecryptDeps, StatusDeps {
  readonly connections: ConnectionStore
  readonly now: () => Date
  readonly logger: StatusDeps['logger']
  readonly providerProbe: Pick<ProviderProbe, 'test'>
  readonly rules: ConnectionRules
}

/** Connection tests, of stored and of new connections. The response is 200 whatever the provider's response is. */
export function connectionTestRoutes(deps: ConnectionTestDeps): Routes {
  return (app) => {
    app.post(
      '/connections/:id/test',
      {
        schema: {
          tags,
          description:
            "Calls the connection's provider with its credential, and records a rejection on the connection.",
          params: ConnectionParams,
          response: { 200: ConnectionTest },
        },
      },
      (request) => testConnection(deps, request.params.id),
    )

    app.post(
      '/connections/test',
      {
        schema: {
          tags,
          description: 'Calls the provider with a config that is not stored.',
          body: ConnectionTestInput,
          response: { 200: ConnectionTest },
        },
      },
      (request) => testNewConnection(deps, request.body),
    )
  }
}

const tags = ['connections']

/**
 * Calls the provider of a stored connection with its credential. A rejection is a result, and is recorded on the
 * connection; so is acceptance after a rejection.
 * @throws SluiceError `not_found`; `credential_unavailable` when the stored credential cannot be opened; those of the probe
 */
export async function testConnection(deps: ConnectionTestDeps, id: string): Promise<ConnectionTest> {
  const connection = await findConnection(deps.connections, id)
  const { provider, config, allowedModels, credential } = connection
  const secrets = await openSecrets(deps, connection)
  const test = await deps.providerProbe.test({
    provider,
    config: { ...config, ...wrapSecrets(secrets) },
    ...(allowedModels === undefined ? {} : { allowedModels }),
  })
  if (credential !== undefined) await recordTest(deps, id, credential, test)
  return test
}

/** Wraps the secret fields of a config, so that they cannot be logged. */
export function wrapSecrets(fields: CredentialFields): Record<string, Secret> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, new Secret(value)]))
}

/** @throws SluiceError `invalid_request` with everything that is wrong with `document`; those of the probe */
async function testNewConnection(
  { rules, providerProbe }: Pick<ConnectionTestDeps, 'rules' | 'providerProbe'>,
  document: unknown,
): Promise<ConnectionTest> {
  const { input, publicConfig, secrets } = validateConnectionTest(document, rules)
  const { provider, allowedModels } = input
  return providerProbe.test({
    provider,
    config: { ...publicConfig, ...wrapSecrets(secrets) },
    ...(allowedModels === undefined ? {} : { allowedModels }),
  })
}

async function openSecrets(
  deps: ConnectionTestDeps,
  { id, provider, credential }: Connection,
): Promise<CredentialFields> {
  if (credential === undefined) return {}
  const stored = await deps.connections.findCredential(id)
  if (stored === undefined) throw new SluiceError('not_found', 'There is no such connection.')
  return decryptCredentialFields(deps, stored, { connectionId: id, provider, version: stored.version })
}

/** Records what the test says about the credential; most failures say nothing about it. */
async function recordTest(
  deps: StatusDeps,
  connectionId: string,
  { version, fault }: NonNullable<Connection['credential']>,
  { ok, error }: ConnectionTest,
): Promise<void> {
  const isKnownRejected = fault?.reason === 'rejected_by_provider'
  if ((ok || error?.code === 'model_unavailable') && isKnownRejected) {
    await recordCredentialStatus(deps, { connectionId, version, status: 'accepted' })
  } else if (error?.code === 'invalid_credential' && !isKnownRejected) {
    const status = error.status === undefined ? {} : { upstreamStatus: error.status }
    await recordCredentialStatus(deps, { connectionId, version, status: 'rejected', ...status })
  }
}
