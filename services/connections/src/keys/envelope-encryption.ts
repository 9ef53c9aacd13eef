import { validate } from '@sluice/contracts'
import sodium from 'libsodium-wrappers'
import { fromBase64, toBase64 } from './base64.ts'
import { additionalData, Envelope, type EnvelopeContext, EnvelopeError, type EnvelopeKey } from './envelope.ts'
import type { KeyService } from './key-service.ts'
import { decrypt, encrypt } from './symmetric-encryption.ts'

/** Encrypts secrets for storage and decrypts stored ones. */
export type Envelopes = Awaited<ReturnType<typeof createEnvelopes>>

/** @param keyServices the first wraps new data keys; each unwraps the data keys that it wrapped */
export async function createEnvelopes(keyServices: readonly [KeyService, ...KeyService[]]) {
  await sodium.ready
  const [wrapping] = keyServices

  const read = (stored: unknown): { envelope: Envelope; keyService: KeyService } => {
    const envelope = validate(Envelope, stored)
    if (!envelope.valid) throw new EnvelopeError('malformed', 'the stored value is not an envelope')
    const { keyService: id } = envelope.value
    const keyService = keyServices.find((service) => service.id === id)
    if (keyService === undefined) throw new EnvelopeError('unknown_key', `the key service ${id} is not configured`)
    return { envelope: envelope.value, keyService }
  }

  return {
    /** @throws EnvelopeError when the key service returns no data key */
    encrypt: async (plaintext: Uint8Array, context: EnvelopeContext): Promise<Envelope> => {
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

    /**
     * Returns the plaintext, which the caller overwrites after use.
     * @param stored the value as read from the database, not validated yet
     * @throws EnvelopeError when it cannot be decrypted with this context
     */
    decrypt: async (stored: unknown, context: EnvelopeContext): Promise<Uint8Array> => {
      const { envelope, keyService } = read(stored)
      const dataKey = await keyService.unwrap(envelope, context)
      const encrypted = { nonce: fromBase64(envelope.nonce), ciphertext: fromBase64(envelope.ciphertext) }
      const plaintext = decrypt(encrypted, dataKey, additionalData(context))
      sodium.memzero(dataKey)
      if (plaintext === undefined) {
        throw new EnvelopeError('not_authentic', 'it was altered, or belongs to something else')
      }
      return plaintext
    },

    /** Returns the key that wraps the data keys of new envelopes. */
    wrappingKey: async (): Promise<EnvelopeKey> => ({
      keyService: wrapping.id,
      keyId: await wrapping.wrappingKeyId(),
    }),

    /**
     * Returns the same envelope with its data key wrapped under the current key; the secret is not decrypted.
     * @throws EnvelopeError when its data key cannot be unwrapped with this context
     */
    rewrap: async (stored: unknown, context: EnvelopeContext): Promise<Envelope> => {
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
