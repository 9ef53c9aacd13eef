import { COUNTS_ALL } from '../limits.ts'
import type { ProviderAdapter } from '../provider-adapter.ts'
import { configuredBaseUrl, revealField, withoutEnd } from '../provider-config.ts'
import { chatResponse } from '../unified/response-translators.ts'
import type { UnifiedApi } from '../unified-api.ts'
import { keepRateLimitHeaders } from '../wire/rate-limit-headers.ts'
import { embeddingsResponse, toEmbeddingsCall } from './embeddings.ts'
import { googleErrorResponse, readErrorResponse } from './errors.ts'
import { GOOGLE_MODEL_MEMBERS, googleNamedModels, inspectGoogleRequest } from './inspection.ts'
import { GOOGLE_LONG_PROMPT_TOKENS, googlePool, googleQuotaFailures, googleRetryAfterMs } from './limits.ts'
import { googleModels } from './models.ts'
import { googleOperation } from './operations.ts'
import { toGenerateContentCall } from './request.ts'
import { wholeResponse } from './response.ts'
import { googleResponseReader } from './response-reader.ts'
import { generateContentStream } from './stream.ts'

/** OpenAI's API, translated to Google's Gemini API. */
export const googleUnified: UnifiedApi = {
  chat: {
    request: toGenerateContentCall,
    response: chatResponse({ whole: wholeResponse, streamed: generateContentStream, error: readErrorResponse }),
    opensStrings: true,
  },
  embeddings: { request: toEmbeddingsCall, response: embeddingsResponse },
  models: googleModels,
}

/** Google's Gemini API. It reports limits in no header; the body of a 429 has those that were exceeded. */
export const google: ProviderAdapter = {
  id: 'google',
  // This header chooses the project that is billed.
  connectionHeaders: new Set(['x-goog-user-project']),
  // The version is part of the paths.
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
