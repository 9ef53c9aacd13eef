import type { Connection, CredentialSummary } from '../domain/connection.ts'
import { type CredentialFields, credentialHint } from '../domain/credential.ts'
import { credentialContext } from '../domain/envelope.ts'
import type { NewCredential } from '../ports/connection-store.ts'
import type { ApplicationDeps } from './deps.ts'
import type { CredentialOwner } from './open-credential.ts'

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
