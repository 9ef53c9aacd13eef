import { embeddingList } from '../../unified/embedding-list.ts'
import { type EmbeddingsRequest, embeddingInputs, readEmbeddingsRequest } from '../../unified/embeddings-request.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import { WholeAnswerTranslator } from '../../unified/whole-answer-translator.ts'
import type { Refusal, Translation, UnifiedRequest } from '../../unified-api.ts'
import { cohereEmbedding } from './cohere-embedding.ts'
import type { EmbeddingBody } from './embedding-body.ts'
import { foundationModel, modelPath } from './model.ts'
import { readErrorAnswer } from './provider-error.ts'
import { titanEmbedding } from './titan-embedding.ts'

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html */
export function toEmbeddingsCall({ body, model }: UnifiedRequest): Translation {
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
    body: Buffer.from(JSON.stringify(embedding.body)),
    answer: {
      translator: () => new WholeAnswerTranslator((answer) => embeddingList(embedding.read(answer), asked, model)),
      error: readErrorAnswer,
    },
  }
}

/** Bodies are in the format of the model's maker. */
function embeddingBody(asked: EmbeddingsRequest, id: string): EmbeddingBody | Refusal {
  const { dimensions } = asked
  const inputs = embeddingInputs(asked)
  const { maker = '', name = '' } = foundationModel(id) ?? {}
  if (maker === 'amazon' && name.startsWith('titan-embed-')) return titanEmbedding(inputs, dimensions, name)
  if (maker === 'cohere' && name.startsWith('embed-')) return cohereEmbedding(inputs, dimensions, name)
  return refuse('model', `On AWS Bedrock, Amazon's Titan and Cohere's models embed: "${id}" is not known to be one.`)
}
