import sodium from 'libsodium-wrappers'
import { fromBase64, toBase64 } from './base64.ts'

/** An X25519 key pair; the public key is base64. */
export interface KeyPair {
  readonly publicKey: string
  readonly privateKey: Uint8Array
}

/** libsodium's sealed boxes (`crypto_box_seal`): anyone can seal to a public key, only its owner can open. */
export type SealedBoxes = Awaited<ReturnType<typeof createSealedBoxes>>

export async function createSealedBoxes() {
  await sodium.ready
  return {
    generateKeyPair: (): KeyPair => {
      const { publicKey, privateKey } = sodium.crypto_box_keypair()
      return { publicKey: toBase64(publicKey), privateKey }
    },

    /** Returns base64, or undefined when `publicKey` is not an X25519 public key in base64. */
    seal: (plaintext: Uint8Array, publicKey: string): string | undefined => {
      const key = fromBase64(publicKey)
      if (key.length !== sodium.crypto_box_PUBLICKEYBYTES || toBase64(key) !== publicKey) return undefined
      try {
        return toBase64(sodium.crypto_box_seal(plaintext, key))
      } catch {
        return undefined // A low-order point, whose shared secret is known to everyone.
      }
    },

    /** Returns undefined when the box was sealed to another key, or was altered. */
    open: (sealed: string, { publicKey, privateKey }: KeyPair): Uint8Array | undefined => {
      const bytes = fromBase64(sealed)
      if (bytes.length < sodium.crypto_box_SEALBYTES) return undefined
      try {
        return sodium.crypto_box_seal_open(bytes, fromBase64(publicKey), privateKey)
      } catch {
        return undefined // With the length checked, it throws only when the tag does not match.
      }
    },
  }
}
