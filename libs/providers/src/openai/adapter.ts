import type { ProviderId } from '@sluice/contracts'
import { COUNTS_ALL } from '../limits.ts'
import type { ProviderAdapter, ProviderConfig } from '../provider-adapter.ts'
import { configuredBaseUrl, revealField, withoutEnd } from '../provider-config.ts'
import { correctedPath } from '../wire/request-path.ts'
import { openAiErrorResponse, refusesStreamUsage } from './errors.ts'
import { includeUsage, inspectOpenAiRequest, OPENAI_MODEL_MEMBERS, openAiNamedModels } from './inspection.ts'
import {
  OPENAI_LONG_PROMPT_TOKENS,
  openAiPool,
  openAiRateLimitHeaders,
  openAiRetryAfterMs,
  readOpenAiRateLimits,
} from './limits.ts'
import { openAiOperation, openAiPathLayout, usualOperations } from './operations.ts'
import { openAiResponseReader } from './response-reader.ts'
import { openAiUnified } from './unified.ts'

/** OpenAI's API, and servers that speak it at a base URL. */
export const openai: ProviderAdapter = {
  ...openAiCompatible({ id: 'openai', root: '/v1', baseUrl }),
  connectionHeaders: new Set(['openai-organization', 'openai-project']),
  authHeaders,
}

/**
 * Returns the base URL as OpenAI's SDKs take it, ending in `/v1`. A URL without a path gets `/v1`, that of an Azure
 * resource `/openai/v1`; any other path stays.
 * @see https://learn.microsoft.com/en-us/azure/ai-foundry/openai/api-version-lifecycle
 */
function baseUrl(config: ProviderConfig): string {
  const configured = configuredBaseUrl(config, 'https://api.openai.com/v1')
  if (AZURE_RESOURCE.test(configured)) return `${withoutEnd(configured, /\/openai$/)}/openai/v1`
  if (/^[a-z]+:\/\/[^/]+$/i.test(configured)) return `${configured}/v1`
  return configured.endsWith('/v1/v1') ? `${withoutEnd(configured, /\/v1$/)}/v1` : configured
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

/** The differences between providers that speak OpenAI's API. */
interface OpenAiDialect {
  readonly id: ProviderId
  /** The path prefix that its SDK sends, such as `/v1`. The base URL ends with it already. */
  readonly root: string
  baseUrl(config: ProviderConfig): string
}

/**
 * Creates the adapter of a provider that speaks OpenAI's API with its key in `Authorization: Bearer`. Replace what
 * differs: `{ ...openAiCompatible(dialect), rateLimits }`.
 */
export function openAiCompatible({ id, root, baseUrl }: OpenAiDialect): ProviderAdapter {
  const layout = openAiPathLayout(root)
  const usual = usualOperations(root)
  return {
    id,
    connectionHeaders: new Set(),
    baseUrl,
    operation: (method, path, basePath = root) => {
      const known = method === 'POST' ? usual.get(path) : undefined
      if (known !== undefined) return known
      // Where the base URL does not end with the root, a second root may belong to another API of the server.
      const isMounted = !basePath.endsWith(root) && path.startsWith(`${root}${root}/`)
      const corrected = isMounted ? path : correctedPath(path, layout)
      return corrected.startsWith(`${root}/`) ? openAiOperation(method, corrected.slice(root.length)) : undefined
    },
    signing: 'headers',
    authHeaders: bearerHeaders,
    inspect: (operation, body, sizeBytes) => inspectOpenAiRequest(operation, body, sizeBytes, id),
    namedModels: openAiNamedModels,
    modelMembers: OPENAI_MODEL_MEMBERS,
    pool: openAiPool,
    longPromptTokens: OPENAI_LONG_PROMPT_TOKENS,
    outgoingBody: includeUsage,
    refusesAddition: refusesStreamUsage,
    responseReader: openAiResponseReader,
    limitCounting: COUNTS_ALL,
    rateLimits: readOpenAiRateLimits,
    rateLimitsInError: () => [],
    rateLimitHeaders: openAiRateLimitHeaders,
    retryAfterMs: openAiRetryAfterMs,
    errorResponse: openAiErrorResponse,
    unified: openAiUnified(root),
  }
}

/** @throws SluiceError `credential_unavailable` when the config has no key */
function bearerHeaders(config: ProviderConfig): Record<string, string> {
  return { authorization: `Bearer ${revealField(config, 'apiKey')}` }
}
