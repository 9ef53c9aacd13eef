import type { ProviderAdapter } from '../provider-adapter.ts'
import { configuredBaseUrl, revealField, withoutEnd } from '../provider-config.ts'
import { refusedOperation } from '../unified/refusal.ts'
import { chatResponse } from '../unified/response-translators.ts'
import type { UnifiedApi } from '../unified-api.ts'
import { anthropicErrorResponse, readErrorResponse } from './errors.ts'
import { ANTHROPIC_MODEL_MEMBERS, anthropicNamedModels, inspectAnthropicRequest } from './inspection.ts'
import {
  ANTHROPIC_LONG_PROMPT_TOKENS,
  anthropicLimitCounting,
  anthropicPool,
  anthropicRateLimitHeaders,
  anthropicRetryAfterMs,
  readAnthropicRateLimits,
} from './limits.ts'
import { modelList } from './models.ts'
import { anthropicOperation } from './operations.ts'
import { toMessageCall } from './request.ts'
import { wholeMessage } from './response.ts'
import { anthropicResponseReader } from './response-reader.ts'
import { messageStream } from './stream.ts'

/** OpenAI's API, translated to Anthropic's Messages API. */
export const anthropicUnified: UnifiedApi = {
  chat: {
    request: toMessageCall,
    response: chatResponse({ whole: wholeMessage, streamed: messageStream, error: readErrorResponse }),
    opensStrings: true,
  },
  embeddings: refusedOperation('Anthropic has no embeddings.'),
  models: modelList,
}

/** Anthropic's API. The caller chooses `anthropic-version` and `anthropic-beta`, which are passed on unchanged. */
export const anthropic: ProviderAdapter = {
  id: 'anthropic',
  connectionHeaders: new Set(),
  // The version is part of the paths.
  baseUrl: (config) => withoutEnd(configuredBaseUrl(config, 'https://api.anthropic.com'), /\/v1$/),
  operation: anthropicOperation,
  signing: 'headers',
  authHeaders: (config) => ({ 'x-api-key': revealField(config, 'apiKey') }),
  inspect: inspectAnthropicRequest,
  namedModels: anthropicNamedModels,
  modelMembers: ANTHROPIC_MODEL_MEMBERS,
  pool: anthropicPool,
  longPromptTokens: ANTHROPIC_LONG_PROMPT_TOKENS,
  outgoingBody: (_inspection, _body, bytes) => ({ bytes }),
  responseReader: anthropicResponseReader,
  limitCounting: anthropicLimitCounting,
  rateLimits: readAnthropicRateLimits,
  rateLimitsInError: () => [],
  rateLimitHeaders: anthropicRateLimitHeaders,
  retryAfterMs: anthropicRetryAfterMs,
  errorResponse: anthropicErrorResponse,
  unified: anthropicUnified,
}
