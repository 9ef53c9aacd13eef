import type { Envelope, EnvelopeContext, EnvelopeKey } from '../domain/envelope.ts'

/** An envelope as it stands in the database, and what it belongs to. */
export interface StoredEnvelope {
  /** What it is: a version of a connection's credential, or the service's own sealing key. */
  readonly owner: { readonly connectionId: string; readonly version: number } | 'sealing-key'
  readonly context: EnvelopeContext
  /** Whatever stands there. */
  readonly envelope: unknown
}

/** Every envelope that is stored, versions of the past too, for its data key to be wrapped anew. */
export interface EnvelopeStore {
  /** How many are not under `key`. */
  countOthers(key: EnvelopeKey): Promise<number>
  /** Those that are not under `key`, each once, read in batches as the reader goes on. */
  others(key: EnvelopeKey): AsyncGenerator<StoredEnvelope>
  /** `changed`: it is no longer as it was read, because it was replaced or removed. */
  replace(stored: StoredEnvelope, envelope: Envelope): Promise<'replaced' | 'changed'>
}
