import { refusedOperation } from '../../unified/refusal.ts'
import type { UnifiedApi } from '../../unified-api.ts'
import { messageResponse } from './message-answer.ts'
import { toMessageCall } from './message-call.ts'
import { modelList } from './model-list.ts'

/** OpenAI's API in front of Anthropic's Messages API. */
export const anthropicUnified: UnifiedApi = {
  chat: { request: toMessageCall, answer: messageResponse, opensStrings: true },
  embeddings: refusedOperation('Anthropic has no embeddings.'),
  models: modelList,
}
