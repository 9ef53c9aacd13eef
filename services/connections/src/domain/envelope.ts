import { SluiceError } from '@sluice/contracts'
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

/** An envelope cannot be opened. What it belongs to is unavailable; everything else goes on. */
export class EnvelopeError extends SluiceError {
  override readonly name = 'EnvelopeError'
  /** `not_authentic`: it was altered, or belongs to something else. */
  readonly reason: 'malformed' | 'unknown_key' | 'not_authentic'

  constructor(reason: EnvelopeError['reason'], detail: string, cause?: unknown) {
    super('credential_unavailable', `the stored secret cannot be opened: ${detail}`, { cause })
    this.reason = reason
  }
}
