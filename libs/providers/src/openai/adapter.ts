import type { Operation, ProviderAdapter, ProviderConfig } from '../provider-adapter.ts'
import { revealField } from '../wire/reveal-field.ts'
import { openAiAnswerReader } from './answer-reader.ts'
import { openAiErrorAnswer } from './errors.ts'
import { includeUsage } from './include-usage.ts'
import { inspectOpenAiRequest } from './inspect.ts'
import { openAiOperation } from './operations.ts'
import { openAiRateLimitHeaders, openAiRetryAfterMs, readOpenAiRateLimits } from './rate-limit-headers.ts'

/** OpenAI's own API, and whatever speaks it at a base URL. */
export const openai: ProviderAdapter = {
  id: 'openai',
  connectionHeaders: new Set(['openai-organization', 'openai-project']),
  baseUrl,
  operation: operationBelowV1,
  authHeaders,
  inspect: inspectOpenAiRequest,
  outgoingBody: includeUsage,
  answerReader: openAiAnswerReader,
  rateLimits: readOpenAiRateLimits,
  rateLimitHeaders: openAiRateLimitHeaders,
  retryAfterMs: openAiRetryAfterMs,
  errorAnswer: openAiErrorAnswer,
}

/** As OpenAI's SDKs take it, with `/v1`. One without a path is understood as its `/v1`. */
function baseUrl(config: ProviderConfig): string {
  if (typeof config.baseUrl !== 'string') return 'https://api.openai.com/v1'
  const given = config.baseUrl.replace(/\/+$/, '')
  return /^[a-z]+:\/\/[^/]+$/i.test(given) ? `${given}/v1` : given
}

function operationBelowV1(method: string, path: string): Operation | undefined {
  return path.startsWith('/v1/') ? openAiOperation(method, path.slice('/v1'.length)) : undefined
}

function authHeaders(config: ProviderConfig): Record<string, string> {
  const headers: Record<string, string> = { authorization: `Bearer ${revealField(config, 'apiKey')}` }
  if (typeof config.organization === 'string') headers['openai-organization'] = config.organization
  if (typeof config.project === 'string') headers['openai-project'] = config.project
  return headers
}
