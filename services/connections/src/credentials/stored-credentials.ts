import { type CredentialFault, CredentialFields, SluiceError, validate } from '@sluice/contracts'
import type { Logger } from '@sluice/service-kit'
import type { CredentialSummary } from '../connections/connection.ts'
import type { ConnectionStore, StoredCredential } from '../connections/connection-store.ts'
import { type CredentialOwner, credentialContext, type Envelope, EnvelopeError } from '../keys/envelope.ts'
import type { Envelopes } from '../keys/envelope-encryption.ts'

export interface EncryptDeps {
  readonly envelopes: Envelopes
  readonly now: () => Date
  readonly logger: Logger
}

export interface DecryptDeps extends EncryptDeps {
  readonly connections: Pick<ConnectionStore, 'setCredentialFault'>
}

/**
 * Encrypts a version of a credential for storage. Returns undefined when there are no secret fields, as the provider
 * has none.
 * @throws EnvelopeError when the key service returns no data key
 */
export async function encryptCredential(
  { envelopes, now, logger }: EncryptDeps,
  secrets: CredentialFields,
  owner: CredentialOwner,
): Promise<{ readonly envelope: Envelope; readonly summary: CredentialSummary } | undefined> {
  if (Object.keys(secrets).length === 0) return undefined
  const plaintext = Buffer.from(JSON.stringify(secrets))
  const envelope = await envelopes.encrypt(plaintext, credentialContext(owner)).catch((error: unknown) => {
    logger.error({ ...owner, err: error }, 'a credential cannot be encrypted')
    throw error
  })
  plaintext.fill(0)
  return { envelope, summary: { version: owner.version, hint: credentialHint(secrets), rotatedAt: now() } }
}

/**
 * Decrypts a stored credential; the caller overwrites the plaintext after use. When a credential can no longer, or
 * again, be decrypted, that is recorded in the connection's status and logged once.
 * @throws EnvelopeError
 */
export async function decryptCredential(
  deps: DecryptDeps,
  { envelope, fault: before }: StoredCredential,
  owner: CredentialOwner,
): Promise<Uint8Array> {
  try {
    const plaintext = await deps.envelopes.decrypt(envelope, credentialContext(owner))
    // A rejection by the provider is cleared by the provider's next response, not by opening.
    if (before !== undefined && before.reason !== 'rejected_by_provider') {
      deps.logger.info({ ...owner, since: before.since }, 'a stored credential can be opened again')
      await recordFault(deps, owner, undefined)
    }
    return plaintext
  } catch (error) {
    if (error instanceof EnvelopeError && error.reason !== before?.reason) {
      deps.logger.error({ ...owner, reason: error.reason, err: error }, 'a stored credential cannot be opened')
      await recordFault(deps, owner, {
        reason: error.reason,
        message: error.message,
        since: deps.now().toISOString(),
      })
    }
    throw error
  }
}

/** As {@link decryptCredential}, but returns the credential's fields. @throws EnvelopeError */
export async function decryptCredentialFields(
  deps: DecryptDeps,
  stored: StoredCredential,
  owner: CredentialOwner,
): Promise<CredentialFields> {
  const plaintext = await decryptCredential(deps, stored, owner)
  const fields = validate(CredentialFields, JSON.parse(Buffer.from(plaintext).toString()))
  plaintext.fill(0)
  if (!fields.valid) throw new SluiceError('internal', 'a stored credential has an unknown shape')
  return fields.value
}

/**
 * Returns what identifies a credential to an operator: `…` and its last four characters, or only `…` if that would
 * reveal too much.
 */
export function credentialHint(fields: CredentialFields): string {
  const [value] = Object.values(fields)
  return value === undefined || value.length < MIN_LENGTH_SHOWN ? '…' : `…${value.slice(-4)}`
}

/** Four characters of twenty leave at least sixteen unknown. */
const MIN_LENGTH_SHOWN = 20

/** Does not fail: the credential is used, or refused, whether or not the status could be stored. */
async function recordFault(
  { connections, logger }: DecryptDeps,
  owner: CredentialOwner,
  fault: CredentialFault | undefined,
): Promise<void> {
  try {
    await connections.setCredentialFault(owner.connectionId, owner.version, fault)
  } catch (error) {
    logger.warn({ ...owner, err: error }, "a credential's status could not be stored")
  }
}
