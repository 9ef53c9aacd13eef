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
