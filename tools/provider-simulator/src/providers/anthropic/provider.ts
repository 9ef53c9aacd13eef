import { readBearerToken } from '../../wire/bearer-token.ts'
import { callerByApiKey } from '../caller.ts'
import type { SimulatedProvider } from '../simulated-provider.ts'
import { countTokens } from './count-tokens.ts'
import { failure } from './failures.ts'
import { headers } from './headers.ts'
import { messages } from './messages.ts'
import { listModels, retrieveModel } from './models.ts'

/** Anthropic's API in its versions 2023-06-01 and 2026-10-21: https://platform.claude.com/docs/en/api/overview. */
export const anthropic: SimulatedProvider = {
  routes: [messages, countTokens, listModels, retrieveModel],
  // The official SDKs changed to a bearer token with their versions for 2026-10-21; given both, `x-api-key` counts.
  identify({ headers }, accounts) {
    const apiKey = headers['x-api-key']
    return callerByApiKey(typeof apiKey === 'string' ? apiKey : readBearerToken(headers.authorization), accounts)
  },
  headers,
  failure,
}
