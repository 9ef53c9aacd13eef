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

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html */
export function toEmbeddingsCall(request: UnifiedRequest): Translation {
  const { body, model } = request
  const asked = readEmbeddingsRequest(body, 'AWS Bedrock')
  if (isRefusal(asked)) return asked
  const path = modelPath(model, 'invoke')
  if (typeof path !== 'string') return path
  const embedding = embeddingBody(asked, model)
  if (isRefusal(embedding)) return embedding
  return {
    status: 'translated',
    path,
    query: '',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: Buffer.from(JSON.stringify(embedding)),
    requested: requestedEmbeddings(request, asked),
  }
}

/** How the answer to it is said. */
export function embeddingsResponse(asked: RequestedResponse): ResponseTranslation {
  const { maker = '', name = '' } = foundationModel(asked.model) ?? {}
  const read = isTitan(maker, name) ? readTitanVectors : readCohereVectors
  return {
    translator: () => new WholeResponseTranslator((answer) => embeddingList(read(answer), asked)),
    error: readErrorResponse,
  }
}

/** Bodies are in the format of the model's maker. */
function embeddingBody(asked: EmbeddingsRequest, id: string): object | Refusal {
  const { dimensions } = asked
  const inputs = embeddingInputs(asked)
  const { maker = '', name = '' } = foundationModel(id) ?? {}
  if (isTitan(maker, name)) return titanEmbedding(inputs, dimensions, name)
  if (maker === 'cohere' && name.startsWith('embed-')) return cohereEmbedding(inputs, dimensions, name)
  return refuse('model', `On AWS Bedrock, Amazon's Titan and Cohere's models embed: "${id}" is not known to be one.`)
}

function isTitan(maker: string, name: string): boolean {
  return maker === 'amazon' && name.startsWith('titan-embed-')
}

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
