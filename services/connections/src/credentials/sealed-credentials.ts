import { type CredentialFault, CredentialFields, SluiceError, validate } from '@sluice/contracts'
import type { Connection, CredentialSummary } from '../connections/connection.ts'
import type { NewCredential, StoredCredential } from '../connections/connection-store.ts'
import type { ApplicationDeps } from '../deps.ts'
import { credentialContext, EnvelopeError } from '../keys/envelope.ts'
import { credentialHint } from './credential-versions.ts'

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

/**
 * Seals a version of a credential for storage. Undefined when there are no secret fields, as the provider has none.
 * @throws EnvelopeError when the key service gives no data key
 */
export async function sealCredential(
  { envelopes, now, logger }: Pick<ApplicationDeps, 'envelopes' | 'now' | 'logger'>,
  secrets: CredentialFields,
  owner: CredentialOwner,
): Promise<{ credential: NewCredential; summary: CredentialSummary } | undefined> {
  if (Object.keys(secrets).length === 0) return undefined
  const plaintext = Buffer.from(JSON.stringify(secrets))
  const envelope = await envelopes.seal(plaintext, credentialContext(owner)).catch((error: unknown) => {
    logger.error({ ...owner, err: error }, 'a credential cannot be sealed')
    throw error
  })
  plaintext.fill(0)
  const summary = { version: owner.version, hint: credentialHint(secrets), rotatedAt: now() }
  return { credential: { envelope }, summary }
}

/** What the next version of a connection's credential belongs to. */
export function nextVersion({ id, provider, credential }: Connection): CredentialOwner {
  return { connectionId: id, provider, version: (credential?.version ?? 0) + 1 }
}
