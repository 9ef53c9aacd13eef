import type { ProviderAdapter } from '../provider-adapter.ts'
import { configuredBaseUrl, withoutEnd } from '../wire/configured-base-url.ts'
import { revealField } from '../wire/reveal-field.ts'
import { anthropicResponseReader } from './answer-reader.ts'
import { anthropicErrorResponse } from './errors.ts'
import { inspectAnthropicRequest } from './inspect.ts'
import { anthropicLimitCounting } from './limit-counting.ts'
import { ANTHROPIC_MODEL_MEMBERS, anthropicNamedModels } from './named-models.ts'
import { anthropicOperation } from './operations.ts'
import { ANTHROPIC_LONG_PROMPT_TOKENS, anthropicPool } from './pool.ts'
import { anthropicRateLimitHeaders, anthropicRetryAfterMs, readAnthropicRateLimits } from './rate-limit-headers.ts'
import { anthropicUnified } from './unified/unified.ts'

/** Anthropic's API. `anthropic-version` and `anthropic-beta` are the caller's to choose, and go on as they are. */
export const anthropic: ProviderAdapter = {
  id: 'anthropic',
  connectionHeaders: new Set(),
  // The paths have the version.
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
