import { simulatedEmbedding } from '../../core/simulated-embedding.ts'
import { tokensOfChars } from '../../core/tokens.ts'
import type { Reply } from '../simulated-provider.ts'
import { contentChars } from './content-tokens.ts'
import { invalidRequest } from './errors.ts'
import type { MethodRequest, ModelMethod } from './model-method.ts'
import { prettyResponse } from './pretty-answer.ts'
import { type ProtoMessage, protoMessages } from './proto-json.ts'

/** https://ai.google.dev/api/embeddings#method:-models.embedcontent: the answer states no usage. */
export const embedContent: ModelMethod = (request) => embed(request, [request.json], ([embedding]) => ({ embedding }))

/** https://ai.google.dev/api/embeddings#method:-models.batchembedcontents */
export const batchEmbedContents: ModelMethod = (request) => {
  const requests = protoMessages(request.json.requests)
  if (requests.length === 0) return invalidRequest('* BatchEmbedContentsRequest.requests: requests is not specified\n')
  const foreign = requests.some(({ model }) => model !== `models/${request.model.id}`)
  if (foreign)
    return invalidRequest('* BatchEmbedContentsRequest.requests: all models must match the one in the path\n')
  return embed(request, requests, (embeddings) => ({ embeddings }))
}

interface Embedding {
  readonly values: readonly number[]
}

function embed(
  { model }: MethodRequest,
  requests: readonly ProtoMessage[],
  response: (embeddings: readonly Embedding[]) => unknown,
): Reply {
  const chars = requests.map(({ content }) => contentChars(content))
  if (chars.includes(0)) return invalidRequest('* EmbedContentRequest.content: content is empty\n')
  const inputTokens = chars.reduce((sum, count) => sum + tokensOfChars(count), 0)
  const embeddings = () => requests.map((request) => embeddingOf(request, model.dimensions ?? 0))
  return {
    charge: { model: model.id, inputTokens, outputTokens: 0 },
    answer: () => prettyResponse(response(embeddings())),
  }
}

function embeddingOf({ content, outputDimensionality }: ProtoMessage, maximum: number): Embedding {
  const dimensions = typeof outputDimensionality === 'number' ? Math.min(outputDimensionality, maximum) : maximum
  return { values: Array.from(simulatedEmbedding(JSON.stringify(content), dimensions)) }
}
