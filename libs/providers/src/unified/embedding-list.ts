import type { AskedResponse } from '../unified-api.ts'

/** What an answer tells: vectors in the order of the inputs. */
export interface Vectors {
  readonly vectors: readonly (readonly number[])[]
  /** Undefined where the answer does not tell. */
  readonly inputTokens?: number | undefined
}

/** The answer to an embeddings request. Usage that is not told is left out. Undefined where there is not one vector an input. */
export function embeddingList(told: Vectors | undefined, { model, embeddings }: AskedResponse): object | undefined {
  if (told === undefined || told.vectors.length !== embeddings?.count) return undefined
  const { inBase64 } = embeddings
  const { vectors, inputTokens } = told
  return {
    object: 'list',
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: inBase64 ? base64(vector) : vector,
    })),
    model,
    ...(inputTokens === undefined ? {} : { usage: { prompt_tokens: inputTokens, total_tokens: inputTokens } }),
  }
}

/** A vector as 32-bit floats, little-endian. */
function base64(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * FLOAT_BYTES)
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * FLOAT_BYTES)
  return bytes.toString('base64')
}

const FLOAT_BYTES = 4
