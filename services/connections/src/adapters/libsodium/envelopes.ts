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
      const envelope = validate(Envelope, stored)
      if (!envelope.valid) throw new EnvelopeError('malformed', 'what is stored is no envelope')
      const { keyService: id, nonce, ciphertext } = envelope.value
      const keyService = keyServices.find((service) => service.id === id)
      if (keyService === undefined) throw new EnvelopeError('unknown_key', `the key service ${id} is not set up`)
      const dataKey = await keyService.unwrap(envelope.value, context)
      const sealed = { nonce: fromBase64(nonce), ciphertext: fromBase64(ciphertext) }
      const plaintext = decrypt(sealed, dataKey, additionalData(context))
      sodium.memzero(dataKey)
      if (plaintext === undefined)
        throw new EnvelopeError('not_authentic', 'it was altered, or belongs to something else')
      return plaintext
    },
  }
}
