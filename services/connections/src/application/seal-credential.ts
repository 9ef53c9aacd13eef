import type { CredentialSummary } from '../domain/connection.ts'
import { type CredentialFields, credentialHint } from '../domain/credential.ts'
import { credentialContext } from '../domain/envelope.ts'
import type { NewCredential } from '../ports/connection-store.ts'
import type { ApplicationDeps } from './deps.ts'

interface Owner {
  readonly connectionId: string
  readonly provider: string
  readonly version: number
}

/**
 * Seals a version of a credential for storage. Undefined when there are no secret fields, as the provider has none.
 * @throws EnvelopeError when the key service gives no data key
 */
export async function sealCredential(
  { envelopes, now, logger }: Pick<ApplicationDeps, 'envelopes' | 'now' | 'logger'>,
  secrets: CredentialFields,
  owner: Owner,
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
