import sodium from 'libsodium-wrappers'
import { fromBase64, toBase64 } from './base64.ts'
import { additionalData, type EnvelopeContext, EnvelopeError } from './envelope.ts'
import type { KeyService, WrappedDataKey } from './key-service.ts'
import type { MasterKey } from './master-keys.ts'
import { decrypt, encrypt } from './symmetric-encryption.ts'

/** Wraps data keys under master keys that the service itself holds: the first wraps, all unwrap, found by key id. */
export async function createLibsodiumKeyService(masterKeys: readonly [MasterKey, ...MasterKey[]]): Promise<KeyService> {
  await sodium.ready
  const [wrapping] = masterKeys
  const byId = new Map(masterKeys.map(({ keyId, key }) => [keyId, key]))

  const wrap = (dataKey: Uint8Array, context: EnvelopeContext): WrappedDataKey => {
    const { nonce, ciphertext } = encrypt(dataKey, wrapping.key, additionalData(context))
    return { keyId: wrapping.keyId, wrappedKey: toBase64(Buffer.concat([nonce, ciphertext])) }
  }
  const unwrap = ({ keyId, wrappedKey }: WrappedDataKey, context: EnvelopeContext): Uint8Array => {
    const key = byId.get(keyId)
    if (key === undefined) throw new EnvelopeError('unknown_key', `its master key ${keyId} is not loaded`)
    const bytes = fromBase64(wrappedKey)
    const nonceBytes = sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
    const wrapped = { nonce: bytes.subarray(0, nonceBytes), ciphertext: bytes.subarray(nonceBytes) }
    const dataKey = decrypt(wrapped, key, additionalData(context))
    if (dataKey === undefined) throw new EnvelopeError('not_authentic', 'its data key belongs to something else')
    return dataKey
  }

  return {
    id: 'libsodium',
    wrappingKeyId: async () => wrapping.keyId,
    generateDataKey: async (context) => {
      const dataKey = sodium.crypto_aead_xchacha20poly1305_ietf_keygen()
      return { dataKey, ...wrap(dataKey, context) }
    },
    wrap: async (dataKey, context) => wrap(dataKey, context),
    unwrap: async (wrapped, context) => unwrap(wrapped, context),
    rewrap: async (wrapped, context) => {
      const dataKey = unwrap(wrapped, context)
      const rewrapped = wrap(dataKey, context)
      sodium.memzero(dataKey)
      return rewrapped
    },
  }
}
