import sodium from 'libsodium-wrappers'

/**
 * Encrypts with XChaCha20-Poly1305-IETF under a random nonce, which at 192 bits does not repeat. Needs `sodium.ready`.
 */
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
