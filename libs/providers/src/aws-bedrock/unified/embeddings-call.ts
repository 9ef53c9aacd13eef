import { askedEmbeddings } from '../../unified/asked-answer.ts'
import { embeddingList } from '../../unified/embedding-list.ts'
import { type EmbeddingsRequest, embeddingInputs, readEmbeddingsRequest } from '../../unified/embeddings-request.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import { WholeResponseTranslator } from '../../unified/whole-answer-translator.ts'
import type { AskedResponse, Refusal, ResponseTranslation, Translation, UnifiedRequest } from '../../unified-api.ts'
import { cohereEmbedding, readCohereVectors } from './cohere-embedding.ts'
import { foundationModel, modelPath } from './model.ts'
import { readErrorResponse } from './provider-error.ts'
import { readTitanVectors, titanEmbedding } from './titan-embedding.ts'

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
    answer: askedEmbeddings(request, asked),
  }
}

/** How the answer to it is said. */
export function embeddingsResponse(asked: AskedResponse): ResponseTranslation {
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
