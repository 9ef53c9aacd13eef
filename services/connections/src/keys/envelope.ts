import { type CredentialFault, SluiceError } from '@sluice/contracts'
import { type Static, Type } from 'typebox'

/** Which key service wrapped a data key. */
export type KeyServiceId = Static<typeof KeyServiceId>
export const KeyServiceId = Type.Union([Type.Literal('libsodium'), Type.Literal('aws-kms')])

/**
 * A secret at rest: sealed with XChaCha20-Poly1305-IETF under a data key of its own, which a key service has wrapped. Binary
 * values are base64.
 */
export type Envelope = Static<typeof Envelope>
export const Envelope = Type.Object({
  v: Type.Literal(1),
  keyService: KeyServiceId,
  /** Which of the key service's keys wrapped the data key. */
  keyId: Type.String(),
  wrappedKey: Type.String(),
  nonce: Type.String(),
  ciphertext: Type.String(),
})

/** What a data key is wrapped under. */
export type EnvelopeKey = Pick<Envelope, 'keyService' | 'keyId'>

/** What an envelope belongs to. It opens with exactly this, so that no envelope can stand in another one's place. */
export type EnvelopeContext = Readonly<Record<string, string>>

export function credentialContext(credential: {
  readonly connectionId: string
  readonly provider: string
  readonly version: number
}): EnvelopeContext {
  const { connectionId, provider, version } = credential
  return { purpose: 'credential', connectionId, provider, version: String(version) }
}

export function sealingKeyContext(publicKey: string): EnvelopeContext {
  return { purpose: 'sealing-key', publicKey }
}

/** The additional data for a context: one text for one context, whatever the order of its fields. */
export function additionalData(context: EnvelopeContext): string {
  return JSON.stringify(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * Why an envelope cannot be opened. `malformed`: it is none. `unknown_key`: its key is not one that is set up. `not_authentic`: it was
 * altered, or belongs to something else. `key_refused`: its key is disabled or deleted, or may not be used. `key_unavailable`: the key
 * service is away, slow or throttling, which passes.
 */
export type EnvelopeFault = Exclude<Static<typeof CredentialFault>['reason'], 'rejected_by_provider'>

/** An envelope cannot be opened, or none be made. What it belongs to is unavailable; everything else goes on. */
export class EnvelopeError extends SluiceError {
  override readonly name = 'EnvelopeError'
  readonly reason: EnvelopeFault

  constructor(reason: EnvelopeFault, detail: string, cause?: unknown) {
    const isOfKey = reason === 'key_refused' || reason === 'key_unavailable'
    super('credential_unavailable', isOfKey ? detail : `the stored secret cannot be opened: ${detail}`, { cause })
    this.reason = reason
  }
}
