import { type ConnectionTest, type ConnectionTestErrorCode, type ConnectionView, SluiceError } from '@sluice/contracts'
import type { Actor } from '../audit/audit-entry.ts'
import {
  type ChangeDeps,
  type ConnectionTarget,
  changeConnection,
  nextCredential,
  patchedConnection,
} from '../connections/change-connections.ts'
import type { Connection } from '../connections/connection.ts'
import { validateRotation } from '../connections/connection-documents.ts'
import type { StoredCredential } from '../connections/connection-store.ts'
import type { ProviderProbe } from '../probes/provider-probe.ts'
import { wrapSecrets } from '../probes/test-connection.ts'
import type { RecordedVersion } from './credential-history.ts'
import { rollbackUntil, type VersionDeps } from './credential-versions.ts'
import { decryptCredentialFields, encryptCredential } from './stored-credentials.ts'

/** A new credential was rejected by the provider, or could not be tested; the old one stays in force. */
export class CredentialNotRotatedError extends SluiceError {
  override readonly name = 'CredentialNotRotatedError'
  /** Contains no credential. */
  readonly test: ConnectionTest

  constructor(code: 'credential_rejected' | 'credential_untested', message: string, test: ConnectionTest) {
    super(code, message)
    this.test = test
  }
}

/**
 * Gives a connection a new credential after its provider has accepted it, or has no way to test it. Until then, and if
 * it is rejected, the old one is in force and nothing of the new one is stored.
 * @throws CredentialNotRotatedError when the provider rejects it, is unreachable or fails; SluiceError `not_found`, `version_conflict`, or
 * `invalid_request` with everything that is wrong with the document; those of the probe
 */
export function rotateCredential(
  deps: ChangeDeps & { readonly providerProbe: Pick<ProviderProbe, 'test'> },
  actor: Actor,
  target: ConnectionTarget,
  document: unknown,
): Promise<ConnectionView> {
  return changeConnection(deps.connections, actor, target, async (before) => {
    const rotation = validateRotation(document, before, deps.rules)
    const { provider, config, allowedModels } = before
    const test = await deps.providerProbe.test({
      provider,
      config: { ...config, ...rotation.publicConfig, ...wrapSecrets(rotation.secrets) },
      ...(allowedModels === undefined ? {} : { allowedModels }),
    })
    requireAccepted(test, target.id)
    return patchedConnection(deps, before, rotation)
  })
}

function requireAccepted(test: ConnectionTest, connectionId: string): void {
  if (test.ok) return
  const { code, message } = test.error ?? { code: 'provider_error', message: 'The test failed.' }
  if (REJECTIONS.has(code)) {
    throw new CredentialNotRotatedError(
      'credential_rejected',
      `The provider rejected the new credential, so the old one stays in force. Its response: ${message}`,
      test,
    )
  }
  if (ACCEPTABLE.has(code)) return
  throw new CredentialNotRotatedError(
    'credential_untested',
    `The new credential could not be tested; the old one stays in force. ${message} Rotate again once the provider responds. To ` +
      `store the credential without a test, send the same document with PATCH /api/v1/connections/${connectionId}.`,
    test,
  )
}

/** With other codes the test says nothing about the credential. */
const REJECTIONS: ReadonlySet<string> = codes('invalid_credential', 'forbidden')
/** A provider without a list of models has rejected nothing; one without the model has accepted the credential. */
const ACCEPTABLE: ReadonlySet<string> = codes('untested', 'model_unavailable')

function codes(...of: readonly ConnectionTestErrorCode[]): ReadonlySet<string> {
  return new Set(of)
}

/**
 * Puts the previous credential in force again, as the next version: versions only increase, wherever they are cached.
 * The version that it replaces can be rolled back to in turn.
 * @throws SluiceError `not_found`, `version_conflict`, `no_previous_credential`; EnvelopeError when the previous version cannot be
 * opened
 */
export function rollBackCredential(
  deps: ChangeDeps & VersionDeps,
  actor: Actor,
  target: ConnectionTarget,
): Promise<ConnectionView> {
  return changeConnection(deps.connections, actor, target, async (before) => {
    const { recorded, stored } = await previousVersion(deps, before)
    const { id: connectionId, provider } = before
    const fields = await decryptCredentialFields(deps, stored, { connectionId, provider, version: recorded.version })
    const encrypted = await encryptCredential(deps, fields, nextCredential(before))
    if (encrypted === undefined) throw new SluiceError('internal', 'a stored credential has no fields')
    const connection: Connection = {
      ...before,
      credential: { ...encrypted.summary, restores: recorded.version },
      version: before.version + 1,
      updatedAt: deps.now(),
    }
    return { action: 'rolled-back', connection, envelope: encrypted.envelope }
  })
}

async function previousVersion(
  { credentialHistory, credentialGraceMs: graceMs, now }: VersionDeps,
  { id, credential: current }: Connection,
): Promise<{ readonly recorded: RecordedVersion; readonly stored: StoredCredential }> {
  if (current === undefined) throw noPrevious('The connection has no stored credential.')
  if (current.version === 1) throw noPrevious('The credential has not been rotated yet.')
  const previous = await credentialHistory.find(id, current.version - 1)
  if (previous === undefined || rollbackUntil(previous.recorded, current, { now: now(), graceMs }) === undefined) {
    const since = current.rotatedAt.toISOString()
    throw noPrevious(`The previous credential, which was replaced at ${since}, is no longer stored.`)
  }
  return previous
}

function noPrevious(message: string): SluiceError {
  return new SluiceError('no_previous_credential', message)
}
