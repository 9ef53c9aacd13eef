import type { UnifiedApi } from '../../unified-api.ts'
import { toConverseCall } from './converse-call.ts'
import { toEmbeddingsCall } from './embeddings-call.ts'

/** OpenAI's API in front of the runtime API of AWS Bedrock, which cannot tell which models there are. */
export const awsBedrockUnified: UnifiedApi = {
  chat: toConverseCall,
  embeddings: toEmbeddingsCall,
}
