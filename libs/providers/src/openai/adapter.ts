import type { ProviderId } from '@sluice/contracts'
import { COUNTS_ALL } from '../limits.ts'
import type { ProviderAdapter, ProviderConfig } from '../provider-adapter.ts'
import { configuredBaseUrl, revealField, withoutEnd } from '../provider-config.ts'
import { forgivenPath } from '../wire/request-path.ts'
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

/** Where one provider that speaks OpenAI's API differs from the others. */
export interface OpenAiDialect {
  readonly id: ProviderId
  /** What the paths that its SDK sends begin with, as `/v1`. The base URL has it at its end already. */
  readonly root: string
  baseUrl(config: ProviderConfig): string
}

/**
 * The adapter of a provider that speaks OpenAI's API: its key goes in `Authorization: Bearer`, and all else is as OpenAI's. What
 * is different is replaced: `{ ...openAiCompatible(dialect), rateLimits }`.
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
      // Where the server's own base URL does not end with the root, a second one may lead to another API of the server.
      const isMounted = !basePath.endsWith(root) && path.startsWith(`${root}${root}/`)
      const right = isMounted ? path : forgivenPath(path, layout)
      return right.startsWith(`${root}/`) ? openAiOperation(method, right.slice(root.length)) : undefined
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

/** @throws SluiceError `credential_unavailable` when there is no key */
export function bearerHeaders(config: ProviderConfig): Record<string, string> {
  return { authorization: `Bearer ${revealField(config, 'apiKey')}` }
}
