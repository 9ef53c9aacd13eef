import { type EmbeddingsRequest, embeddingInputs } from './embeddings-request.ts'

/** What an answer tells: vectors in the order of the inputs. */
export interface Vectors {
  readonly vectors: readonly (readonly number[])[]
  /** Undefined where the answer does not tell. */
  readonly inputTokens?: number | undefined
}

/** The answer to an embeddings request. Usage that is not told is left out. Undefined where there is not one vector an input. */
export function embeddingList(told: Vectors | undefined, asked: EmbeddingsRequest, model: string): object | undefined {
  if (told?.vectors.length !== embeddingInputs(asked).length) return undefined
  const { vectors, inputTokens } = told
  return {
    object: 'list',
    data: vectors.map((vector, index) => ({ object: 'embedding', index, embedding: encode(vector, asked) })),
    model,
    ...(inputTokens === undefined ? {} : { usage: { prompt_tokens: inputTokens, total_tokens: inputTokens } }),
  }
}

/** One vector in the form that was asked for: numbers, or the base64 of 32-bit floats, little-endian. */
function encode(vector: readonly number[], { encoding_format: format }: EmbeddingsRequest) {
  if (format !== 'base64') return vector
  const bytes = Buffer.alloc(vector.length * FLOAT_BYTES)
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * FLOAT_BYTES)
  return bytes.toString('base64')
}

const FLOAT_BYTES = 4
