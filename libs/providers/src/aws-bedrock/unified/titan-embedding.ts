import type { Vectors } from '../../unified/embedding-list.ts'
import { refuse, refuseParameter } from '../../unified/refusal.ts'
import type { Refusal } from '../../unified-api.ts'
import { isRecord } from '../../wire/is-record.ts'
import { isVector } from '../../wire/is-vector.ts'
import { tokenCount } from '../../wire/token-count.ts'

/**
 * Amazon's Titan embeds one text at a time.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-mm.html
 */
export function titanEmbedding(
  [inputText, ...others]: readonly string[],
  dimensions: number | undefined,
  name: string,
): object | Refusal {
  if (others.length > 0) return refuse('input', "Amazon's Titan embeds one text a request.")
  if (dimensions === undefined) return { inputText }
  if (name.startsWith('titan-embed-image')) {
    return { inputText, embeddingConfig: { outputEmbeddingLength: dimensions } }
  }
  // Text embeddings have a length to choose from version 2 on.
  if (/^titan-embed-(?:g1-)?text-(?:v1|0)/.test(name)) return refuseParameter('dimensions', `The model "${name}"`)
  return { inputText, dimensions }
}

/** Undefined where the answer has no vectors. */
export function readTitanVectors(answer: unknown): Vectors | undefined {
  if (!isRecord(answer) || !isVector(answer.embedding)) return undefined
  return { vectors: [answer.embedding], inputTokens: tokenCount(answer.inputTextTokenCount) }
}
