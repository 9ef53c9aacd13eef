import { readBearerToken } from '../../wire/bearer-token.ts'
import { callerByApiKey } from '../caller.ts'
import type { SimulatedProvider } from '../simulated-provider.ts'
import { countTokens } from './count-tokens.ts'
import { failure } from './failures.ts'
import { headers } from './headers.ts'
import { createMessagesRoute } from './messages.ts'
import { listModels, retrieveModel } from './models.ts'
import { Threads } from './threads.ts'

/** Anthropic's API in its versions 2023-06-01 and 2026-10-21: https://platform.claude.com/docs/en/api/overview. */
export function createAnthropic(): SimulatedProvider {
  const routes = [createMessagesRoute(new Threads()), countTokens, listModels, retrieveModel]
  return { routes, identify, headers, failure }
}

const identify: SimulatedProvider['identify'] = ({ headers }, accounts) => {
  // The official SDKs changed to a bearer token with their versions for 2026-10-21; given both, `x-api-key` counts.
  const apiKey = headers['x-api-key']
  return callerByApiKey(typeof apiKey === 'string' ? apiKey : readBearerToken(headers.authorization), accounts)
}
