import { embeddingInputs, embeddingList, readEmbeddingsRequest, type Vectors } from '../unified/embeddings.ts'
import { requestedEmbeddings } from '../unified/native-call.ts'
import { isRefusal } from '../unified/refusal.ts'
import { WholeResponseTranslator } from '../unified/response-translators.ts'
import type { RequestedResponse, ResponseTranslation, Translation, UnifiedRequest } from '../unified-api.ts'
import { isRecord, isVector } from '../wire/json.ts'
import { readErrorResponse } from './errors.ts'
import { resourceName } from './models.ts'
import { addGoogleUsage } from './usage.ts'

/**
 * Translates an embeddings request to `batchEmbedContents`.
 * @see https://ai.google.dev/api/embeddings#method:-models.batchembedcontents
 */
export function toEmbeddingsCall(request: UnifiedRequest): Translation {
  const { body, model } = request
  const requested = readEmbeddingsRequest(body, 'Google')
  if (isRefusal(requested)) return requested
  const resource = resourceName(model)
  if (typeof resource === 'object') return resource
  const requests = embeddingInputs(requested).map((text) => ({
    model: resource,
    content: { parts: [{ text }] },
    ...(requested.dimensions === undefined ? {} : { outputDimensionality: requested.dimensions }),
  }))
  return {
    status: 'translated',
    path: `/v1beta/${resource}:batchEmbedContents`,
    query: '',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify({ requests })),
    requested: requestedEmbeddings(request, requested),
  }
}

/** Returns the translation of the response. */
export function embeddingsResponse(requested: RequestedResponse): ResponseTranslation {
  return {
    translator: () => new WholeResponseTranslator((response) => embeddingList(readVectors(response), requested)),
    error: readErrorResponse,
  }
}

/** Reads the response; some models report no usage. */
function readVectors(response: unknown): Vectors | undefined {
  if (!isRecord(response) || !Array.isArray(response.embeddings)) return undefined
  const vectors = response.embeddings.map((embedding: unknown) => (isRecord(embedding) ? embedding.values : undefined))
  if (!vectors.every(isVector)) return undefined
  return { vectors, inputTokens: addGoogleUsage(undefined, response.usageMetadata)?.promptTokens }
}
