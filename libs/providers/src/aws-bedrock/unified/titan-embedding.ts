import { refuse, refuseParameter } from '../../unified/refusal.ts'
import type { Refusal } from '../../unified-api.ts'
import { isRecord } from '../../wire/is-record.ts'
import { isVector } from '../../wire/is-vector.ts'
import { tokenCount } from '../../wire/token-count.ts'
import type { EmbeddingBody } from './embedding-body.ts'

/**
 * Amazon's Titan embeds one text at a time.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-mm.html
 */
export function titanEmbedding(
  [inputText, ...others]: readonly string[],
  dimensions: number | undefined,
  name: string,
): EmbeddingBody | Refusal {
  if (others.length > 0) return refuse('input', "Amazon's Titan embeds one text a request.")
  if (dimensions === undefined) return { body: { inputText }, read }
  if (name.startsWith('titan-embed-text-v2')) return { body: { inputText, dimensions }, read }
  if (name.startsWith('titan-embed-image')) {
    return { body: { inputText, embeddingConfig: { outputEmbeddingLength: dimensions } }, read }
  }
  return refuseParameter('dimensions', `The model "${name}"`)
}

function read(answer: unknown) {
  if (!isRecord(answer) || !isVector(answer.embedding)) return undefined
  return { vectors: [answer.embedding], inputTokens: tokenCount(answer.inputTextTokenCount) }
}
