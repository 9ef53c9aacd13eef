import { simulatedEmbedding } from '../core/simulated-embedding.ts'
import type { RouteResult } from '../core/simulated-provider.ts'
import { tokensOfChars } from '../core/token-counts.ts'
import { invalidRequest } from './errors.ts'
import type { MethodRequest, ModelMethod } from './models.ts'
import {
  contentChars,
  inputTokensOf,
  type ProtoMessage,
  prettyResponse,
  protoMessage,
  protoMessages,
} from './proto-json.ts'
import { contentsProblem } from './request-validation.ts'

/** https://ai.google.dev/api/embeddings#method:-models.embedcontent; responses state no usage. */
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
  toResponse: (embeddings: readonly Embedding[]) => unknown,
): RouteResult {
  const chars = requests.map(({ content }) => contentChars(content))
  if (chars.includes(0)) return invalidRequest('* EmbedContentRequest.content: content is empty\n')
  const inputTokens = chars.reduce((sum, count) => sum + tokensOfChars(count), 0)
  const embeddings = () => requests.map((request) => embeddingOf(request, model.dimensions ?? 0))
  return {
    charge: { model: model.id, inputTokens, outputTokens: 0 },
    respond: () => prettyResponse(toResponse(embeddings())),
  }
}

function embeddingOf({ content, outputDimensionality }: ProtoMessage, maximum: number): Embedding {
  const dimensions = typeof outputDimensionality === 'number' ? Math.min(outputDimensionality, maximum) : maximum
  return { values: Array.from(simulatedEmbedding(JSON.stringify(content), dimensions)) }
}

/** Counts contents, or a whole request, at no cost: https://ai.google.dev/api/tokens. */
export const countTokens: ModelMethod = ({ json }) => {
  const counted = json.generateContentRequest === undefined ? json : protoMessage(json.generateContentRequest)
  const problem = contentsProblem(counted.contents)
  if (problem !== undefined) return invalidRequest(problem)
  const totalTokens = inputTokensOf(counted)
  const promptTokensDetails = [{ modality: 'TEXT', tokenCount: totalTokens }]
  return { respond: () => prettyResponse({ totalTokens, promptTokensDetails }) }
}
