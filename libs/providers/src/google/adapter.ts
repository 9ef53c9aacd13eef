import { COUNTS_ALL } from '../limits.ts'
import type { ProviderAdapter } from '../provider-adapter.ts'
import { configuredBaseUrl, revealField, withoutEnd } from '../provider-config.ts'
import type { UnifiedApi } from '../unified-api.ts'
import { keepRateLimitHeaders } from '../wire/rate-limit-headers.ts'
import { embeddingsCall, embeddingsResponse } from './embeddings.ts'
import { googleErrorResponse } from './errors.ts'
import { GOOGLE_MODEL_MEMBERS, googleNamedModels, inspectGoogleRequest } from './inspection.ts'
import { GOOGLE_LONG_PROMPT_TOKENS, googlePool, googleQuotaFailures, googleRetryAfterMs } from './limits.ts'
import { googleModels } from './models.ts'
import { googleOperation } from './operations.ts'
import { chatCall } from './request.ts'
import { googleResponseReader } from './response-reader.ts'
import { chatTranslation } from './stream.ts'

/** OpenAI's API in front of Google's Gemini API. */
export const googleUnified: UnifiedApi = {
  chat: { request: chatCall, response: chatTranslation, opensStrings: true },
  embeddings: { request: embeddingsCall, response: embeddingsResponse },
  models: googleModels,
}

/** Google's Gemini API. It tells its limits in no header, and in a 429's body those that were exceeded. */
export const google: ProviderAdapter = {
  id: 'google',
  // It would choose the project that is charged.
  connectionHeaders: new Set(['x-goog-user-project']),
  // The paths have the version.
  baseUrl: (config) =>
    withoutEnd(configuredBaseUrl(config, 'https://generativelanguage.googleapis.com'), /\/v1(?:alpha|beta)?$/),
  operation: googleOperation,
  signing: 'headers',
  authHeaders: (config) => ({ 'x-goog-api-key': revealField(config, 'apiKey') }),
  inspect: inspectGoogleRequest,
  namedModels: googleNamedModels,
  modelMembers: GOOGLE_MODEL_MEMBERS,
  pool: googlePool,
  longPromptTokens: GOOGLE_LONG_PROMPT_TOKENS,
  outgoingBody: (_inspection, _body, bytes) => ({ bytes }),
  responseReader: googleResponseReader,
  limitCounting: COUNTS_ALL,
  rateLimits: () => [],
  rateLimitsInError: googleQuotaFailures,
  rateLimitHeaders: (headers) => keepRateLimitHeaders(headers, () => false),
  retryAfterMs: googleRetryAfterMs,
  errorResponse: googleErrorResponse,
  unified: googleUnified,
}
