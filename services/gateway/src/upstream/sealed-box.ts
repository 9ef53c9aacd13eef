import { CredentialFields, SluiceError, validate } from '@sluice/contracts'
import type { SecretFields } from '@sluice/egress'
import { Secret } from '@sluice/service-kit'
import sodium from 'libsodium-wrappers'

/** The secret fields of a connection's credential, such as `apiKey`. */
export type CredentialSecrets = SecretFields

/** The gateway's X25519 key pair, which lives as long as the process. The connections service seals credentials to its public key. */
export interface KeyPair {
  /** In base64. */
  readonly publicKey: string
  /**
   * Returns the text that was sealed to this key (`crypto_box_seal`).
   * @param sealed base64
   * @throws Error if it was sealed to another key, or altered
   */
  open(sealed: string): string
}

export async function createKeyPair(): Promise<KeyPair> {
  await sodium.ready
  const { publicKey, privateKey } = sodium.crypto_box_keypair()
  return {
    publicKey: Buffer.from(publicKey).toString('base64'),
    open: (sealed) =>
      Buffer.from(sodium.crypto_box_seal_open(Buffer.from(sealed, 'base64'), publicKey, privateKey)).toString('utf8'),
  }
}

/**
 * Opens a sealed credential.
 * @throws SluiceError `credential_unavailable` if its content is no credential
 * @throws Error if it is not sealed to this process
 */
export function unseal(keyPair: KeyPair, sealed: string): CredentialSecrets {
  const fields = validate(CredentialFields, parse(keyPair.open(sealed)))
  if (!fields.valid) throw new SluiceError('credential_unavailable', 'the credential is malformed')
  return Object.fromEntries(Object.entries(fields.value).map(([name, value]) => [name, new Secret(value)]))
}

/** Returns undefined for a text that is not JSON: the parser's own error would quote it. */
function parse(plaintext: string): unknown {
  try {
    return JSON.parse(plaintext)
  } catch {
    return undefined
  }
}
