import type { Vectors } from '../../unified/embedding-list.ts'

/** What to invoke an embedding model with, and how to read what it answers. */
export interface EmbeddingBody {
  readonly body: object
  /** Undefined where the answer has no vectors. */
  read(answer: unknown): Vectors | undefined
}
