import { type CredentialFault, SluiceError } from '@sluice/contracts'
import { type Static, Type } from 'typebox'

/** The key service that wrapped a data key. */
export type KeyServiceId = Static<typeof KeyServiceId>
export const KeyServiceId = Type.Union([Type.Literal('libsodium'), Type.Literal('aws-kms')])

/**
 * A secret at rest: encrypted with XChaCha20-Poly1305-IETF under a data key of its own, which a key service has
 * wrapped. Binary values are base64.
 */
export type Envelope = Static<typeof Envelope>
export const Envelope = Type.Object({
  v: Type.Literal(1),
  keyService: KeyServiceId,
  /** The key service's key that wrapped the data key. */
  keyId: Type.String(),
  wrappedKey: Type.String(),
  nonce: Type.String(),
  ciphertext: Type.String(),
})

/** The key that a data key is wrapped under. */
export type EnvelopeKey = Static<typeof EnvelopeKey>
export const EnvelopeKey = Type.Pick(Envelope, ['keyService', 'keyId'])

/**
 * The owner of an envelope's secret. It is decrypted only with exactly this context, so that no envelope can take
 * another's place.
 */
export type EnvelopeContext = Readonly<Record<string, string>>

/** Identifies one version of a connection's credential. */
export interface CredentialOwner {
  readonly connectionId: string
  readonly provider: string
  readonly version: number
}

export function credentialContext({ connectionId, provider, version }: CredentialOwner): EnvelopeContext {
  return { purpose: 'credential', connectionId, provider, version: String(version) }
}

export function sealingKeyContext(publicKey: string): EnvelopeContext {
  return { purpose: 'sealing-key', publicKey }
}

/** Returns the AEAD's additional data for a context: the same text whatever the order of its fields. */
export function additionalData(context: EnvelopeContext): string {
  return JSON.stringify(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * Why an envelope cannot be opened:
 * - `malformed`: the stored value is not an envelope;
 * - `unknown_key`: its key is not configured;
 * - `not_authentic`: it was altered, or belongs to something else;
 * - `key_refused`: its key is disabled, deleted or not permitted;
 * - `key_unavailable`: the key service is unreachable, slow or throttling (transient).
 */
type EnvelopeFault = Exclude<Static<typeof CredentialFault>['reason'], 'rejected_by_provider'>

/** An envelope cannot be decrypted or created. Only its owner is affected. */
export class EnvelopeError extends SluiceError {
  override readonly name = 'EnvelopeError'
  readonly reason: EnvelopeFault

  constructor(reason: EnvelopeFault, detail: string, cause?: unknown) {
    const isAboutKey = reason === 'key_refused' || reason === 'key_unavailable'
    super('credential_unavailable', isAboutKey ? detail : `the stored secret cannot be opened: ${detail}`, { cause })
    this.reason = reason
  }
}
