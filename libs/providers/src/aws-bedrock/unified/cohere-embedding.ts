import type { Vectors } from '../../unified/embedding-list.ts'
import { refuse, refuseParameter } from '../../unified/refusal.ts'
import type { Refusal } from '../../unified-api.ts'
import { isRecord } from '../../wire/is-record.ts'
import { isVector } from '../../wire/is-vector.ts'

/**
 * Cohere wants to know what the vectors are for, which OpenAI's API does not say: they are those of documents to be found, as what
 * is stored must be, and not of the questions.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html
 */
export function cohereEmbedding(
  texts: readonly string[],
  dimensions: number | undefined,
  name: string,
): object | Refusal {
  if (texts.length > MAX_TEXTS) return refuse('input', `Cohere embeds ${MAX_TEXTS} texts a request.`)
  const body = { texts, input_type: 'search_document' }
  if (dimensions === undefined) return body
  // Version 3 and its predecessors have one length; later ones are told it.
  if (/^embed-(?:english|multilingual)-(?:light-)?v[1-3]/.test(name)) {
    return refuseParameter('dimensions', `The model "${name}"`)
  }
  return { ...body, output_dimension: dimensions }
}

const MAX_TEXTS = 96

/** Vectors stand in a list, or in a list of their type. How many tokens they were of, only a header tells. */
export function readCohereVectors(answer: unknown): Vectors | undefined {
  const embeddings = isRecord(answer) ? answer.embeddings : undefined
  const vectors: unknown = isRecord(embeddings) ? embeddings.float : embeddings
  return Array.isArray(vectors) && vectors.every(isVector) ? { vectors } : undefined
}
