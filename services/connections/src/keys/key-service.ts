import type { EnvelopeContext, KeyServiceId } from './envelope.ts'

export interface WrappedDataKey {
  /** Which of the key service's keys wrapped it. */
  readonly keyId: string
  /** Base64. */
  readonly wrappedKey: string
}

/**
 * Makes data keys and wraps them under keys that never leave it. A wrapped data key is bound to its envelope's context. Every method
 * throws EnvelopeError `key_refused` or `key_unavailable` when the key service does not do its part.
 */
export interface KeyService {
  readonly id: KeyServiceId
  /** The id of the key that wraps now. */
  wrappingKeyId(): Promise<string>
  /** A fresh 256-bit data key, in clear and wrapped. The caller overwrites the clear one when it is done. */
  generateDataKey(context: EnvelopeContext): Promise<WrappedDataKey & { readonly dataKey: Uint8Array }>
  /** Wraps a data key that another key service made. */
  wrap(dataKey: Uint8Array, context: EnvelopeContext): Promise<WrappedDataKey>
  /**
   * A copy for the caller, who overwrites it when it is done.
   * @throws EnvelopeError when the data key was not wrapped for this context, or by a key that is not known
   */
  unwrap(wrapped: WrappedDataKey, context: EnvelopeContext): Promise<Uint8Array>
  /** Wraps a data key that this key service wrapped under the key that wraps now. Throws as `unwrap` does. */
  rewrap(wrapped: WrappedDataKey, context: EnvelopeContext): Promise<WrappedDataKey>
}
