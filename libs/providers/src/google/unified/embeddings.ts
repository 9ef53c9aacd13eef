import {
  type EmbeddingsRequest,
  embeddingInputs,
  encodeEmbedding,
  readEmbeddingsRequest,
} from '../../unified/embeddings-request.ts'
import { isRefusal } from '../../unified/refusal.ts'
import { WholeAnswerTranslator } from '../../unified/whole-answer-translator.ts'
import type { Translation, UnifiedRequest } from '../../unified-api.ts'
import { isRecord } from '../../wire/is-record.ts'
import { isVector } from '../../wire/is-vector.ts'
import { addGoogleUsage, totalUsage } from '../usage.ts'
import { resourceName } from './model-name.ts'
import { translatedError } from './translated-error.ts'

/** @see https://ai.google.dev/api/embeddings#method:-models.batchembedcontents */
export function embeddingsCall({ body, model }: UnifiedRequest): Translation {
  const asked = readEmbeddingsRequest(body, 'Google')
  if (isRefusal(asked)) return asked
  const resource = resourceName(model)
  if (typeof resource === 'object') return resource
  const requests = embeddingInputs(asked).map((text) => ({
    model: resource,
    content: { parts: [{ text }] },
    ...(asked.dimensions === undefined ? {} : { outputDimensionality: asked.dimensions }),
  }))
  return {
    status: 'translated',
    path: `/v1beta/${resource}:batchEmbedContents`,
    query: '',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify({ requests })),
    answer: {
      translator: () => new WholeAnswerTranslator((answer) => embeddingList(answer, asked, requests.length, model)),
      error: translatedError,
    },
  }
}

/** Some models do not tell their usage: then it is left out. Undefined where there are not `count` vectors. */
function embeddingList(answer: unknown, asked: EmbeddingsRequest, count: number, model: string): object | undefined {
  if (!isRecord(answer) || !Array.isArray(answer.embeddings) || answer.embeddings.length !== count) return undefined
  const vectors = answer.embeddings.flatMap(vectorOf)
  if (vectors.length !== count) return undefined
  const usage = totalUsage(addGoogleUsage(undefined, answer.usageMetadata))
  return {
    object: 'list',
    data: vectors.map((vector, index) => ({ object: 'embedding', index, embedding: encodeEmbedding(vector, asked) })),
    model,
    ...(usage && { usage: { prompt_tokens: usage.inputTokens, total_tokens: usage.inputTokens } }),
  }
}

/** None where it is no vector. */
function vectorOf(embedding: unknown): (readonly number[])[] {
  const values: unknown = isRecord(embedding) ? embedding.values : undefined
  return isVector(values) ? [values] : []
}
