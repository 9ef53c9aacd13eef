import { callerByApiKey, readBearerToken, type SimulatedProvider } from '../core/simulated-provider.ts'
import { chatCompletions } from './chat-completions.ts'
import { failure } from './errors.ts'
import { headers } from './headers.ts'
import { listModels, retrieveModel } from './models.ts'

/** Groq's API, which is much like OpenAI's: https://console.groq.com/docs/api-reference. */
export const groq: SimulatedProvider = {
  routes: [chatCompletions, listModels, retrieveModel],
  identify: ({ headers }, accounts) => callerByApiKey(readBearerToken(headers.authorization), accounts),
  headers,
  failure,
}
