import { embeddingInputs, embeddingList, readEmbeddingsRequest, type Vectors } from '../unified/embeddings.ts'
import { requestedEmbeddings } from '../unified/native-call.ts'
import { isRefusal } from '../unified/refusal.ts'
import { WholeResponseTranslator } from '../unified/response-translators.ts'
import type { RequestedResponse, ResponseTranslation, Translation, UnifiedRequest } from '../unified-api.ts'
import { isRecord, isVector } from '../wire/json.ts'
import { translatedError } from './errors.ts'
import { resourceName } from './models.ts'
import { addGoogleUsage } from './usage.ts'

/** @see https://ai.google.dev/api/embeddings#method:-models.batchembedcontents */
export function embeddingsCall(request: UnifiedRequest): Translation {
  const { body, model } = request
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
    requested: requestedEmbeddings(request, asked),
  }
}

/** How the answer to it is said. */
export function embeddingsResponse(asked: RequestedResponse): ResponseTranslation {
  return {
    translator: () => new WholeResponseTranslator((answer) => embeddingList(readVectors(answer), asked)),
    error: translatedError,
  }
}

/** Some models do not tell their usage. */
function readVectors(answer: unknown): Vectors | undefined {
  if (!isRecord(answer) || !Array.isArray(answer.embeddings)) return undefined
  const vectors = answer.embeddings.map((embedding: unknown) => (isRecord(embedding) ? embedding.values : undefined))
  if (!vectors.every(isVector)) return undefined
  return { vectors, inputTokens: addGoogleUsage(undefined, answer.usageMetadata)?.promptTokens }
}
