import { validate } from '@sluice/contracts'
import sodium from 'libsodium-wrappers'
import { additionalData, Envelope, EnvelopeError } from '../../domain/envelope.ts'
import type { Envelopes } from '../../ports/envelopes.ts'
import type { KeyService } from '../../ports/key-service.ts'
import { decrypt, encrypt, fromBase64, toBase64 } from './aead.ts'

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
