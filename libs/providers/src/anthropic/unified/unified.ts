import { refuseOperation } from '../../unified/refusal.ts'
import type { UnifiedApi } from '../../unified-api.ts'
import { toMessageCall } from './message-call.ts'
import { modelList } from './model-list.ts'

/** OpenAI's API in front of Anthropic's Messages API. */
export const anthropicUnified: UnifiedApi = {
  chat: toMessageCall,
  embeddings: () => refuseOperation('Anthropic has no embeddings.'),
  models: modelList,
}
