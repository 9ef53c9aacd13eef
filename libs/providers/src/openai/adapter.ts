import type { ProviderAdapter, ProviderConfig } from '../provider-adapter.ts'
import { configuredBaseUrl, withoutEnd } from '../wire/configured-base-url.ts'
import { revealField } from '../wire/reveal-field.ts'
import { bearerHeaders, openAiCompatible } from './compatible.ts'

/** OpenAI's own API, and whatever speaks it at a base URL. */
export const openai: ProviderAdapter = {
  ...openAiCompatible({ id: 'openai', root: '/v1', baseUrl }),
  connectionHeaders: new Set(['openai-organization', 'openai-project']),
  authHeaders,
}

/**
 * As OpenAI's SDKs take it, with `/v1`. One without a path is understood as its `/v1`, of an Azure resource as its `/openai/v1`; what else
 * a server has in its place stays.
 * @see https://learn.microsoft.com/en-us/azure/ai-foundry/openai/api-version-lifecycle
 */
function baseUrl(config: ProviderConfig): string {
  const given = configuredBaseUrl(config, 'https://api.openai.com/v1')
  if (AZURE_RESOURCE.test(given)) return `${withoutEnd(given, /\/openai$/)}/openai/v1`
  if (/^[a-z]+:\/\/[^/]+$/i.test(given)) return `${given}/v1`
  return given.endsWith('/v1/v1') ? `${withoutEnd(given, /\/v1$/)}/v1` : given
}

const AZURE_RESOURCE =
  /^https:\/\/[^/]+\.(?:openai\.azure\.com|services\.ai\.azure\.com|cognitiveservices\.azure\.com)(?:\/openai)?$/i

function authHeaders(config: ProviderConfig): Record<string, string> {
  const headers: Record<string, string> =
    config.apiKeyHeader === 'api-key' ? { 'api-key': revealField(config, 'apiKey') } : bearerHeaders(config)
  if (typeof config.organization === 'string') headers['openai-organization'] = config.organization
  if (typeof config.project === 'string') headers['openai-project'] = config.project
  return headers
}
