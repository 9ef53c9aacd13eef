import sodium from 'libsodium-wrappers'

/** XChaCha20-Poly1305-IETF with a fresh random nonce, whose 192 bits need no counting. `sodium.ready` must have resolved. */
export function encrypt(plaintext: Uint8Array, key: Uint8Array, additionalData: string) {
  const nonce = sodium.randombytes_buf(sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
  const ciphertext = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, additionalData, null, nonce, key)
  return { nonce, ciphertext }
}

/** Undefined when the ciphertext was altered, or sealed under another key, nonce or additional data. */
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
    return undefined // The one thing that it throws for: the tag does not match.
  }
}

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

export function fromBase64(text: string): Uint8Array {
  return Buffer.from(text, 'base64')
}

/** An X25519 key pair, base64 for the public key. */
export interface KeyPair {
  readonly publicKey: string
  readonly privateKey: Uint8Array
}

/** libsodium's sealed boxes (`crypto_box_seal`): anybody can seal to a public key, only its owner can open. */
export interface SealedBoxes {
  generateKeyPair(): KeyPair
  /** Base64; undefined when `publicKey` is no X25519 public key in base64. */
  seal(plaintext: Uint8Array, publicKey: string): string | undefined
  /** Undefined when it was not sealed to this pair, or was altered. */
  open(sealed: string, pair: KeyPair): Uint8Array | undefined
}

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
