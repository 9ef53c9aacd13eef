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
