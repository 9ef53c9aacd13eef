import type { Envelope, EnvelopeContext } from '../domain/envelope.ts'

/** Seals secrets for storage, and opens what is stored. */
export interface Envelopes {
  seal(plaintext: Uint8Array, context: EnvelopeContext): Promise<Envelope>
  /**
   * `stored` is whatever stands in the database. The caller overwrites the plaintext when it is done.
   * @throws EnvelopeError when it cannot be opened with this context
   */
  open(stored: unknown, context: EnvelopeContext): Promise<Uint8Array>
}
