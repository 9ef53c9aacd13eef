import type { UnifiedApi } from '../../unified-api.ts'
import { chatCall } from './chat-call.ts'
import { embeddingsCall } from './embeddings.ts'
import { googleModels } from './models.ts'

/** OpenAI's API in front of Google's Gemini API. */
export const googleUnified: UnifiedApi = { chat: chatCall, embeddings: embeddingsCall, models: googleModels }
