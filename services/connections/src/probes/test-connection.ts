import { type ConnectionTest, type CredentialFields, SluiceError } from '@sluice/contracts'
import { Secret } from '@sluice/service-kit'
import type { Connection } from '../connections/connection.ts'
import { validateConnectionTest } from '../connections/connection-documents.ts'
import { findConnection } from '../connections/find-connections.ts'
import { noteCredentialStatus } from '../credentials/credential-status.ts'
import { openFields } from '../credentials/sealed-credentials.ts'
import type { ApplicationDeps } from '../deps.ts'

/**
 * Calls the provider of a stored connection with its credential. That the provider refuses it is the answer, and noted on the connection; so
 * is that it takes it again.
 * @throws SluiceError `not_found`; `credential_unavailable` when the stored credential cannot be opened; those of the probe
 */
export async function testConnection(deps: ApplicationDeps, id: string): Promise<ConnectionTest> {
  const connection = await findConnection(deps, id)
  const { provider, config, allowedModels, credential } = connection
  const secrets = await openCredential(deps, connection)
  const test = await deps.providerProbe.test({
    provider,
    config: { ...config, ...secretHolders(secrets) },
    ...(allowedModels === undefined ? {} : { allowedModels }),
  })
  if (credential !== undefined) await noteTest(deps, id, credential, test)
  return test
}

/** Notes what the test says of the credential, which most failures say nothing of. */
async function noteTest(
  deps: ApplicationDeps,
  connectionId: string,
  { version, fault }: NonNullable<Connection['credential']>,
  { ok, error }: ConnectionTest,
): Promise<void> {
  const isKnownRejected = fault?.reason === 'rejected_by_provider'
  if ((ok || error?.code === 'model_unavailable') && isKnownRejected) {
    await noteCredentialStatus(deps, { connectionId, version, status: 'accepted' })
  } else if (error?.code === 'invalid_credential' && !isKnownRejected) {
    const status = error.status === undefined ? {} : { upstreamStatus: error.status }
    await noteCredentialStatus(deps, { connectionId, version, status: 'rejected', ...status })
  }
}

/** The secret fields of a config, as they go about. */
export function secretHolders(fields: CredentialFields): Record<string, Secret> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, new Secret(value)]))
}

async function openCredential(
  deps: ApplicationDeps,
  { id, provider, credential }: Connection,
): Promise<CredentialFields> {
  if (credential === undefined) return {}
  const stored = await deps.connections.findCredential(id)
  if (stored === undefined) throw new SluiceError('not_found', 'There is no such connection.')
  return openFields(deps, stored, { connectionId: id, provider, version: stored.version })
}

/**
 * Calls a provider with a config that was given, and keeps nothing of it.
 * @throws SluiceError `invalid_request` with everything that is wrong with `document`; those of the probe
 */
export async function testGivenConnection(
  { rules, providerProbe }: Pick<ApplicationDeps, 'rules' | 'providerProbe'>,
  document: unknown,
): Promise<ConnectionTest> {
  const { input, publicConfig, secrets } = validateConnectionTest(document, rules)
  const { provider, allowedModels } = input
  return providerProbe.test({
    provider,
    config: { ...publicConfig, ...secretHolders(secrets) },
    ...(allowedModels === undefined ? {} : { allowedModels }),
  })
}
