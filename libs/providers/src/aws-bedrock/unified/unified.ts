import type { UnifiedApi } from '../../unified-api.ts'
import { converseResponse } from './converse-answer.ts'
import { toConverseCall } from './converse-call.ts'
import { embeddingsResponse, toEmbeddingsCall } from './embeddings-call.ts'

/** OpenAI's API in front of the runtime API of AWS Bedrock, which cannot tell which models there are. */
export const awsBedrockUnified: UnifiedApi = {
  chat: { request: toConverseCall, answer: converseResponse, opensStrings: true },
  embeddings: { request: toEmbeddingsCall, answer: embeddingsResponse },
}
