import type { EnvelopeContext, KeyServiceId } from './envelope.ts'

export interface WrappedDataKey {
  /** The key service's key that wrapped it. */
  readonly keyId: string
  /** Base64. */
  readonly wrappedKey: string
}

/**
 * Generates data keys and wraps them under keys that never leave it. A wrapped data key is bound to its envelope's
 * context. Every method throws EnvelopeError `key_refused` or `key_unavailable` when the key service refuses or cannot
 * be reached.
 */
export interface KeyService {
  readonly id: KeyServiceId
  /** Returns the id of the key that wraps now. */
  wrappingKeyId(): Promise<string>
  /** Returns a fresh 256-bit data key, in clear and wrapped. The caller overwrites the clear one after use. */
  generateDataKey(context: EnvelopeContext): Promise<WrappedDataKey & { readonly dataKey: Uint8Array }>
  /** Wraps a data key that another key service generated. */
  wrap(dataKey: Uint8Array, context: EnvelopeContext): Promise<WrappedDataKey>
  /**
   * Returns a copy of the data key, which the caller overwrites after use.
   * @throws EnvelopeError when the data key was wrapped for another context, or by an unknown key
   */
  unwrap(wrapped: WrappedDataKey, context: EnvelopeContext): Promise<Uint8Array>
  /** Wraps a data key of this key service under the key that wraps now. Throws as `unwrap` does. */
  rewrap(wrapped: WrappedDataKey, context: EnvelopeContext): Promise<WrappedDataKey>
}
