import type { EnvelopeContext, KeyServiceId } from '../domain/envelope.ts'

export interface WrappedDataKey {
  /** Which of the key service's keys wrapped it. */
  readonly keyId: string
  /** Base64. */
  readonly wrappedKey: string
}

/** Makes data keys and wraps them under keys that never leave it. A wrapped data key is bound to its envelope's context. */
export interface KeyService {
  readonly id: KeyServiceId
  /** A fresh 256-bit data key, in clear and wrapped. The caller overwrites the clear one when it is done. */
  generateDataKey(context: EnvelopeContext): Promise<WrappedDataKey & { readonly dataKey: Uint8Array }>
  /** @throws EnvelopeError when the key is not known, or the data key was not wrapped by it for this context */
  unwrap(wrapped: WrappedDataKey, context: EnvelopeContext): Promise<Uint8Array>
}
