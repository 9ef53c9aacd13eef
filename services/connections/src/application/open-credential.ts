import { type CredentialFault, CredentialFields, SluiceError, validate } from '@sluice/contracts'
import { credentialContext, EnvelopeError } from '../domain/envelope.ts'
import type { StoredCredential } from '../ports/connection-store.ts'
import type { ApplicationDeps } from './deps.ts'

/** What a credential belongs to. */
export interface CredentialOwner {
  readonly connectionId: string
  readonly provider: string
  readonly version: number
}

/**
 * Opens what is stored of a credential; the caller overwrites the plaintext when it is done. That it cannot be opened is told in the
 * connection's status and in the log, once as it begins and once as it ends.
 * @throws EnvelopeError
 */
export async function openOrExplain(
  deps: ApplicationDeps,
  { envelope, fault: before }: StoredCredential,
  owner: CredentialOwner,
): Promise<Uint8Array> {
  try {
    const plaintext = await deps.envelopes.open(envelope, credentialContext(owner))
    // What its provider says of it is another matter.
    if (before !== undefined && before.reason !== 'rejected_by_provider') {
      deps.logger.info({ ...owner, since: before.since }, 'a stored credential can be opened again')
      await note(deps, owner, undefined)
    }
    return plaintext
  } catch (error) {
    if (error instanceof EnvelopeError && error.reason !== before?.reason) {
      deps.logger.error({ ...owner, reason: error.reason, err: error }, 'a stored credential cannot be opened')
      await note(deps, owner, { reason: error.reason, message: error.message, since: deps.now().toISOString() })
    }
    throw error
  }
}

/**
 * As {@link openOrExplain}, giving the fields of the credential.
 * @throws EnvelopeError
 */
export async function openFields(
  deps: ApplicationDeps,
  stored: StoredCredential,
  owner: CredentialOwner,
): Promise<CredentialFields> {
  const plaintext = await openOrExplain(deps, stored, owner)
  const fields = validate(CredentialFields, JSON.parse(Buffer.from(plaintext).toString()))
  plaintext.fill(0)
  if (!fields.valid) throw new SluiceError('internal', 'a stored credential has the wrong shape')
  return fields.value
}

/** Nothing depends on it: a credential is handed out, or refused, whether or not it could be noted. */
async function note(
  { connections, logger }: ApplicationDeps,
  owner: CredentialOwner,
  fault: CredentialFault | undefined,
) {
  try {
    await connections.noteCredentialFault(owner.connectionId, owner.version, fault)
  } catch (error) {
    logger.warn({ ...owner, err: error }, "a credential's status could not be stored")
  }
}
