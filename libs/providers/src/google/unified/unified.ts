import type { UnifiedApi } from '../../unified-api.ts'
import { chatCall } from './chat-call.ts'
import { chatTranslation } from './chat-translation.ts'
import { embeddingsCall, embeddingsResponse } from './embeddings.ts'
import { googleModels } from './models.ts'

/** OpenAI's API in front of Google's Gemini API. */
export const googleUnified: UnifiedApi = {
  chat: { request: chatCall, answer: chatTranslation, opensStrings: true },
  embeddings: { request: embeddingsCall, answer: embeddingsResponse },
  models: googleModels,
}
