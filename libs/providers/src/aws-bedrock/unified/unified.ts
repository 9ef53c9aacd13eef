import type { UnifiedApi } from '../../unified-api.ts'
import { converseAnswer } from './converse-answer.ts'
import { toConverseCall } from './converse-call.ts'
import { embeddingsAnswer, toEmbeddingsCall } from './embeddings-call.ts'

/** OpenAI's API in front of the runtime API of AWS Bedrock, which cannot tell which models there are. */
export const awsBedrockUnified: UnifiedApi = {
  chat: { request: toConverseCall, answer: converseAnswer, opensStrings: true },
  embeddings: { request: toEmbeddingsCall, answer: embeddingsAnswer },
}
