import { validate } from '@sluice/contracts'
import sodium from 'libsodium-wrappers'
import { additionalData, Envelope, type EnvelopeContext, EnvelopeError, type EnvelopeKey } from './envelope.ts'
import type { KeyService } from './key-service.ts'
import { decrypt, encrypt, fromBase64, toBase64 } from './sodium.ts'

/** Seals secrets for storage, and opens what is stored. */
export interface Envelopes {
  /** @throws EnvelopeError when the key service gives no data key */
  seal(plaintext: Uint8Array, context: EnvelopeContext): Promise<Envelope>
  /**
   * `stored` is whatever stands in the database. The caller overwrites the plaintext when it is done.
   * @throws EnvelopeError when it cannot be opened with this context
   */
  open(stored: unknown, context: EnvelopeContext): Promise<Uint8Array>
  /** The key that new envelopes are sealed under now. */
  wrappingKey(): Promise<EnvelopeKey>
  /**
   * The same envelope with its data key wrapped under that key. What is in it is not decrypted.
   * @throws EnvelopeError when its data key cannot be unwrapped with this context
   */
  rewrap(stored: unknown, context: EnvelopeContext): Promise<Envelope>
}

/** Envelopes whose data keys are wrapped by the first key service, and unwrapped by whichever of them wrapped them. */
export async function createEnvelopes(keyServices: readonly [KeyService, ...KeyService[]]): Promise<Envelopes> {
  await sodium.ready
  const [wrapping] = keyServices

  const read = (stored: unknown): { envelope: Envelope; keyService: KeyService } => {
    const envelope = validate(Envelope, stored)
    if (!envelope.valid) throw new EnvelopeError('malformed', 'what is stored is no envelope')
    const { keyService: id } = envelope.value
    const keyService = keyServices.find((service) => service.id === id)
    if (keyService === undefined) throw new EnvelopeError('unknown_key', `the key service ${id} is not set up`)
    return { envelope: envelope.value, keyService }
  }

  return {
    seal: async (plaintext, context) => {
      const { dataKey, keyId, wrappedKey } = await wrapping.generateDataKey(context)
      const { nonce, ciphertext } = encrypt(plaintext, dataKey, additionalData(context))
      sodium.memzero(dataKey)
      return {
        v: 1,
        keyService: wrapping.id,
        keyId,
        wrappedKey,
        nonce: toBase64(nonce),
        ciphertext: toBase64(ciphertext),
      }
    },
    open: async (stored, context) => {
      const { envelope, keyService } = read(stored)
      const dataKey = await keyService.unwrap(envelope, context)
      const sealed = { nonce: fromBase64(envelope.nonce), ciphertext: fromBase64(envelope.ciphertext) }
      const plaintext = decrypt(sealed, dataKey, additionalData(context))
      sodium.memzero(dataKey)
      if (plaintext === undefined)
        throw new EnvelopeError('not_authentic', 'it was altered, or belongs to something else')
      return plaintext
    },
    wrappingKey: async () => ({ keyService: wrapping.id, keyId: await wrapping.wrappingKeyId() }),
    rewrap: async (stored, context) => {
      const { envelope, keyService } = read(stored)
      if (keyService === wrapping) return { ...envelope, ...(await wrapping.rewrap(envelope, context)) }
      const dataKey = await keyService.unwrap(envelope, context)
      try {
        return { ...envelope, keyService: wrapping.id, ...(await wrapping.wrap(dataKey, context)) }
      } finally {
        sodium.memzero(dataKey)
      }
    },
  }
}
