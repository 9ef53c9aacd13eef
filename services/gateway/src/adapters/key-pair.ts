import sodium from 'libsodium-wrappers'

/** The gateway's X25519 key pair, which lives as long as the process: credentials are sealed to it on their way here. */
export interface KeyPair {
  /** Base64. */
  readonly publicKey: string
  /**
   * The text that was sealed to this key (`crypto_box_seal`), given in base64.
   * @throws Error when it was sealed to another key, or altered
   */
  open(sealed: string): string
}

export async function createKeyPair(): Promise<KeyPair> {
  await sodium.ready
  const { publicKey, privateKey } = sodium.crypto_box_keypair()
  return {
    publicKey: Buffer.from(publicKey).toString('base64'),
    open: (sealed) =>
      Buffer.from(sodium.crypto_box_seal_open(Buffer.from(sealed, 'base64'), publicKey, privateKey)).toString('utf8'),
  }
}
