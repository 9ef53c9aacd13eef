import { callerByApiKey, readBearerToken, type SimulatedProvider } from '../core/simulated-provider.ts'
import { chatCompletions } from './chat-completions.ts'
import { completions } from './completions.ts'
import { embeddings } from './embeddings.ts'
import { failure } from './errors.ts'
import { headers } from './headers.ts'
import { listModels, retrieveModel } from './models.ts'
import { responses } from './responses.ts'

/** OpenAI's API as recorded in 2025: https://platform.openai.com/docs/api-reference. */
export const openai: SimulatedProvider = {
  routes: [chatCompletions, completions, embeddings, responses, listModels, retrieveModel],
  identify: ({ headers }, accounts) => callerByApiKey(readBearerToken(headers.authorization), accounts),
  headers,
  failure,
}
