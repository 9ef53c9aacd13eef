import { type ConnectionTest, type ConnectionView, SluiceError } from '@sluice/contracts'
import type { Actor } from '../audit/audit-entry.ts'
import {
  type ConnectionToChange,
  type ConnectionUpdate,
  changeConnection,
  patchedConnection,
} from '../connections/change-connections.ts'
import type { Connection } from '../connections/connection.ts'
import { validateRotation } from '../connections/connection-documents.ts'
import type { StoredCredential } from '../connections/connection-store.ts'
import type { ApplicationDeps } from '../deps.ts'
import { secretHolders } from '../probes/test-connection.ts'
import { type RecordedVersion, rollbackUntil } from './credential-versions.ts'
import { nextVersion, openFields, sealCredential } from './sealed-credentials.ts'

/** The provider refused a new credential, so that the old one stays. */
export class CredentialRejectedError extends SluiceError {
  override readonly name = 'CredentialRejectedError'
  /** What the provider answered; no credential is in it. */
  readonly test: ConnectionTest

  constructor(test: ConnectionTest) {
    const reason = test.error === undefined ? '' : ` It answered: ${test.error.message}`
    super('credential_rejected', `The provider did not take the new credential, so the old one stays.${reason}`)
    this.test = test
  }
}

/** A new credential could not be tested, for a reason that says nothing of it: the old one stays. */
export class CredentialUntestedError extends SluiceError {
  override readonly name = 'CredentialUntestedError'
  /** What came of the test; no credential is in it. */
  readonly test: ConnectionTest

  constructor(connectionId: string, test: ConnectionTest) {
    const reason = test.error === undefined ? '' : ` ${test.error.message}`
    super(
      'credential_untested',
      `The new credential could not be tested, which says nothing of it; the old one stays.${reason} ` +
        'Rotate again once the provider responds. To store the credential without a test, send the same document with ' +
        `PATCH /api/v1/connections/${connectionId}.`,
    )
    this.test = test
  }
}

/**
 * Gives a connection a new credential once its provider has taken it, or has no way to tell; until then, and if it does not, the old one is in force and
 * nothing of the new one is kept.
 * @throws CredentialRejectedError when the provider refuses it; CredentialUntestedError when the provider cannot be reached, or fails;
 * SluiceError `not_found`, `version_conflict`,
 * or `invalid_request` with everything that is wrong with the document; those of the probe
 */
export function rotateCredential(
  deps: ApplicationDeps,
  actor: Actor,
  { document, ...target }: ConnectionUpdate,
): Promise<ConnectionView> {
  return changeConnection(deps, actor, target, async (before) => {
    const rotation = validateRotation(document, before, deps.rules)
    const { provider, config, allowedModels } = before
    const test = await deps.providerProbe.test({
      provider,
      config: { ...config, ...rotation.publicConfig, ...secretHolders(rotation.secrets) },
      ...(allowedModels === undefined ? {} : { allowedModels }),
    })
    const code = test.error?.code ?? ''
    if (REFUSALS.has(code)) throw new CredentialRejectedError(test)
    if (!test.ok && !NO_OBSTACLES.has(code)) throw new CredentialUntestedError(target.id, test)
    return patchedConnection(deps, before, rotation)
  })
}

/** Codes of tests with which a provider refuses a credential. No other failure says anything of it. */
const REFUSALS: ReadonlySet<string> = new Set(['invalid_credential', 'forbidden'])
/** A provider that cannot be asked in this way has rejected nothing; one that has not the model knows the credential. */
const NO_OBSTACLES: ReadonlySet<string> = new Set(['untested', 'model_unavailable'])

/**
 * Puts the previous version's credential in force again, sealed anew as the next version, as versions only go up wherever they are
 * held. The version that it takes the place of can be rolled back to in turn.
 * @throws SluiceError `not_found`, `version_conflict`, `no_previous_credential`; EnvelopeError when the previous version cannot be
 * opened
 */
export function rollBackCredential(
  deps: ApplicationDeps,
  actor: Actor,
  target: ConnectionToChange,
): Promise<ConnectionView> {
  return changeConnection(deps, actor, target, async (before) => {
    const { recorded, stored } = await previousVersion(deps, before)
    const { id: connectionId, provider } = before
    const fields = await openFields(deps, stored, { connectionId, provider, version: recorded.version })
    const sealed = await sealCredential(deps, fields, nextVersion(before))
    if (sealed === undefined) throw new SluiceError('internal', 'a stored credential has no fields')
    const connection: Connection = {
      ...before,
      credential: { ...sealed.summary, restores: recorded.version },
      version: before.version + 1,
      updatedAt: deps.now(),
    }
    return { what: 'rolled-back', connection, credential: sealed.credential }
  })
}

async function previousVersion(
  { credentialHistory, credentialGraceMs: graceMs, now }: ApplicationDeps,
  { id, credential: current }: Connection,
): Promise<{ recorded: RecordedVersion; stored: StoredCredential }> {
  if (current === undefined) throw none('The connection has no stored credential.')
  if (current.version === 1) throw none('The credential has not been rotated yet.')
  const previous = await credentialHistory.find(id, current.version - 1)
  if (previous === undefined || rollbackUntil(previous.recorded, current, { now: now(), graceMs }) === undefined) {
    const since = current.rotatedAt.toISOString()
    throw none(`The credential before the current one, which is in force since ${since}, is no longer kept.`)
  }
  return previous
}

function none(message: string): SluiceError {
  return new SluiceError('no_previous_credential', message)
}
