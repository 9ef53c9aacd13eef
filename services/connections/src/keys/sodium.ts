import sodium from 'libsodium-wrappers'

/** Encrypts with XChaCha20-Poly1305-IETF under a random nonce, which at 192 bits does not repeat. Needs `sodium.ready`. */
export function encrypt(plaintext: Uint8Array, key: Uint8Array, additionalData: string) {
  const nonce = sodium.randombytes_buf(sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
  const ciphertext = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, additionalData, null, nonce, key)
  return { nonce, ciphertext }
}

/** Returns undefined when the ciphertext was altered, or encrypted under another key, nonce or additional data. */
export function decrypt(
  { nonce, ciphertext }: { readonly nonce: Uint8Array; readonly ciphertext: Uint8Array },
  key: Uint8Array,
  additionalData: string,
): Uint8Array | undefined {
  const isTooShort = ciphertext.length < sodium.crypto_aead_xchacha20poly1305_ietf_ABYTES
  if (isTooShort || nonce.length !== sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES) return undefined
  try {
    return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, ciphertext, additionalData, nonce, key)
  } catch {
    return undefined // With the lengths checked, it throws only when the tag does not match.
  }
}

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

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

export function fromBase64(text: string): Uint8Array {
  return Buffer.from(text, 'base64')
}
