import sodium from 'libsodium-wrappers'
import type { SealedBoxes } from '../../ports/sealed-boxes.ts'
import { fromBase64, toBase64 } from './aead.ts'

export async function createSealedBoxes(): Promise<SealedBoxes> {
  await sodium.ready
  return {
    generateKeyPair: () => {
      const { publicKey, privateKey } = sodium.crypto_box_keypair()
      return { publicKey: toBase64(publicKey), privateKey }
    },
    seal: (plaintext, publicKey) => {
      const key = fromBase64(publicKey)
      if (key.length !== sodium.crypto_box_PUBLICKEYBYTES || toBase64(key) !== publicKey) return undefined
      try {
        return toBase64(sodium.crypto_box_seal(plaintext, key))
      } catch {
        return undefined // A point of low order, with which everybody would share the key.
      }
    },
    open: (sealed, { publicKey, privateKey }) => {
      const bytes = fromBase64(sealed)
      if (bytes.length < sodium.crypto_box_SEALBYTES) return undefined
      try {
        return sodium.crypto_box_seal_open(bytes, fromBase64(publicKey), privateKey)
      } catch {
        return undefined // The one thing that it throws for: it was not sealed to this key, or was altered.
      }
    },
  }
}
