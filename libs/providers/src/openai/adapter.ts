import type { ProviderAdapter, ProviderConfig } from '../provider-adapter.ts'
import { configuredBaseUrl } from '../wire/configured-base-url.ts'
import { bearerHeaders, openAiCompatible } from './compatible.ts'

/** OpenAI's own API, and whatever speaks it at a base URL. */
export const openai: ProviderAdapter = {
  ...openAiCompatible({ id: 'openai', root: '/v1', baseUrl }),
  connectionHeaders: new Set(['openai-organization', 'openai-project']),
  authHeaders,
}

/** As OpenAI's SDKs take it, with `/v1`. One without a path is understood as its `/v1`. */
function baseUrl(config: ProviderConfig): string {
  const given = configuredBaseUrl(config, 'https://api.openai.com/v1')
  return /^[a-z]+:\/\/[^/]+$/i.test(given) ? `${given}/v1` : given
}

function authHeaders(config: ProviderConfig): Record<string, string> {
  const headers = bearerHeaders(config)
  if (typeof config.organization === 'string') headers['openai-organization'] = config.organization
  if (typeof config.project === 'string') headers['openai-project'] = config.project
  return headers
}
