import type { Envelope, EnvelopeContext, EnvelopeKey } from '../domain/envelope.ts'

/** Seals secrets for storage, and opens what is stored. */
export interface Envelopes {
  /** @throws EnvelopeError when the key service gives no data key */
  seal(plaintext: Uint8Array, context: EnvelopeContext): Promise<Envelope>
  /**
   * `stored` is whatever stands in the database. The caller overwrites the plaintext when it is done.
   * @throws EnvelopeError when it cannot be opened with this context
   */
  open(stored: unknown, context: EnvelopeContext): Promise<Uint8Array>
  /** The key that new envelopes are sealed under now. */
  wrappingKey(): Promise<EnvelopeKey>
  /**
   * The same envelope with its data key wrapped under that key. What is in it is not decrypted.
   * @throws EnvelopeError when its data key cannot be unwrapped with this context
   */
  rewrap(stored: unknown, context: EnvelopeContext): Promise<Envelope>
}
