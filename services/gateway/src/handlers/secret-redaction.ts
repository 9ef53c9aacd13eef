import { SecretRedaction } from '../domain/redact-secrets.ts'
import type { CredentialSecrets } from '../ports.ts'

/** Returns the redaction of a credential's secrets: made with the first request that has them, and kept for as long as they are. */
export function redactionOf(secrets: CredentialSecrets): SecretRedaction {
  const known = redactions.get(secrets)
  if (known !== undefined) return known
  const made = new SecretRedaction(Object.values(secrets).map((secret) => secret.reveal()))
  redactions.set(secrets, made)
  return made
}

const redactions = new WeakMap<CredentialSecrets, SecretRedaction>()
