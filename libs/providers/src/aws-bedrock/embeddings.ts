import {
  type EmbeddingsRequest,
  embeddingInputs,
  embeddingList,
  readEmbeddingsRequest,
  type Vectors,
} from '../unified/embeddings.ts'
import { requestedEmbeddings } from '../unified/native-call.ts'
import { isRefusal, refuse, refuseParameter } from '../unified/refusal.ts'
import { WholeResponseTranslator } from '../unified/response-translators.ts'
import type { Refusal, RequestedResponse, ResponseTranslation, Translation, UnifiedRequest } from '../unified-api.ts'
import { isRecord, isVector, tokenCount } from '../wire/json.ts'
import { readErrorResponse } from './errors.ts'
import { foundationModel, modelPath } from './models.ts'

/**
 * Translates an embeddings request to `InvokeModel`.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html
 */
export function toEmbeddingsCall(request: UnifiedRequest): Translation {
  const { body, model } = request
  const requested = readEmbeddingsRequest(body, 'AWS Bedrock')
  if (isRefusal(requested)) return requested
  const path = modelPath(model, 'invoke')
  if (typeof path !== 'string') return path
  const embedding = embeddingBody(requested, model)
  if (isRefusal(embedding)) return embedding
  return {
    status: 'translated',
    path,
    query: '',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: Buffer.from(JSON.stringify(embedding)),
    requested: requestedEmbeddings(request, requested),
  }
}

/** Returns the translation of the response. */
export function embeddingsResponse(requested: RequestedResponse): ResponseTranslation {
  const { maker = '', name = '' } = foundationModel(requested.model) ?? {}
  const read = isTitan(maker, name) ? readTitanVectors : readCohereVectors
  return {
    translator: () => new WholeResponseTranslator((response) => embeddingList(read(response), requested)),
    error: readErrorResponse,
  }
}

/** Returns the body in the format of the model's maker. */
function embeddingBody(requested: EmbeddingsRequest, id: string): object | Refusal {
  const { dimensions } = requested
  const inputs = embeddingInputs(requested)
  const { maker = '', name = '' } = foundationModel(id) ?? {}
  if (isTitan(maker, name)) return titanEmbedding(inputs, dimensions, name)
  if (maker === 'cohere' && name.startsWith('embed-')) return cohereEmbedding(inputs, dimensions, name)
  return refuse(
    'model',
    `On AWS Bedrock, embeddings come from Amazon Titan and Cohere models: "${id}" is not known to be one.`,
  )
}

function isTitan(maker: string, name: string): boolean {
  return maker === 'amazon' && name.startsWith('titan-embed-')
}

/**
 * Amazon Titan embeds one text per request.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-mm.html
 */
function titanEmbedding(
  [inputText, ...others]: readonly string[],
  dimensions: number | undefined,
  name: string,
): object | Refusal {
  if (others.length > 0) return refuse('input', 'Amazon Titan embeds one text per request.')
  if (dimensions === undefined) return { inputText }
  if (name.startsWith('titan-embed-image')) {
    return { inputText, embeddingConfig: { outputEmbeddingLength: dimensions } }
  }
  // Text embeddings of a chosen length exist since version 2.
  if (/^titan-embed-(?:g1-)?text-(?:v1|0)/.test(name)) return refuseParameter('dimensions', `The model "${name}"`)
  return { inputText, dimensions }
}

/** Reads Titan's response; undefined where it has no vector. */
function readTitanVectors(response: unknown): Vectors | undefined {
  if (!isRecord(response) || !isVector(response.embedding)) return undefined
  return { vectors: [response.embedding], inputTokens: tokenCount(response.inputTextTokenCount) }
}

/**
 * Cohere requires the purpose of the vectors, which OpenAI's API does not state: they are taken for stored documents,
 * not for search queries.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html
 */
function cohereEmbedding(texts: readonly string[], dimensions: number | undefined, name: string): object | Refusal {
  if (texts.length > MAX_TEXTS) return refuse('input', `Cohere embeds at most ${MAX_TEXTS} texts per request.`)
  const body = { texts, input_type: 'search_document' }
  if (dimensions === undefined) return body
  // Models up to version 3 have a fixed length.
  if (/^embed-(?:english|multilingual)-(?:light-)?v[1-3]/.test(name)) {
    return refuseParameter('dimensions', `The model "${name}"`)
  }
  return { ...body, output_dimension: dimensions }
}

const MAX_TEXTS = 96

/** Reads Cohere's response: a list of vectors, or one by their type. Only a header reports the tokens. */
function readCohereVectors(response: unknown): Vectors | undefined {
  const embeddings = isRecord(response) ? response.embeddings : undefined
  const vectors: unknown = isRecord(embeddings) ? embeddings.float : embeddings
  return Array.isArray(vectors) && vectors.every(isVector) ? { vectors } : undefined
}
