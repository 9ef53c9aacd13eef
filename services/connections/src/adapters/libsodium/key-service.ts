import sodium from 'libsodium-wrappers'
import { additionalData, EnvelopeError } from '../../domain/envelope.ts'
import type { KeyService } from '../../ports/key-service.ts'
import { decrypt, encrypt, fromBase64, toBase64 } from './aead.ts'
import type { MasterKey } from './master-keys.ts'

/** Wraps data keys under master keys that the service holds itself: the first wraps, all unwrap, found by key id. */
export async function createLibsodiumKeyService(masterKeys: readonly [MasterKey, ...MasterKey[]]): Promise<KeyService> {
  await sodium.ready
  const [wrapping] = masterKeys
  const byId = new Map(masterKeys.map(({ keyId, key }) => [keyId, key]))
  return {
    id: 'libsodium',
    generateDataKey: async (context) => {
      const dataKey = sodium.crypto_aead_xchacha20poly1305_ietf_keygen()
      const { nonce, ciphertext } = encrypt(dataKey, wrapping.key, additionalData(context))
      return { dataKey, keyId: wrapping.keyId, wrappedKey: toBase64(Buffer.concat([nonce, ciphertext])) }
    },
    unwrap: async ({ keyId, wrappedKey }, context) => {
      const key = byId.get(keyId)
      if (key === undefined) throw new EnvelopeError('unknown_key', `its master key ${keyId} is not loaded`)
      const bytes = fromBase64(wrappedKey)
      const nonceBytes = sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
      const wrapped = { nonce: bytes.subarray(0, nonceBytes), ciphertext: bytes.subarray(nonceBytes) }
      const dataKey = decrypt(wrapped, key, additionalData(context))
      if (dataKey === undefined) throw new EnvelopeError('not_authentic', 'its data key does not belong to it')
      return dataKey
    },
  }
}
