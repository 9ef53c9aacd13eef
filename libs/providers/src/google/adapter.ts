import { COUNTS_ALL } from '../limit-counting.ts'
import type { ProviderAdapter } from '../provider-adapter.ts'
import { configuredBaseUrl, withoutEnd } from '../wire/configured-base-url.ts'
import { keepRateLimitHeaders } from '../wire/rate-limit-reading.ts'
import { revealField } from '../wire/reveal-field.ts'
import { googleResponseReader } from './answer-reader.ts'
import { googleErrorResponse } from './errors.ts'
import { inspectGoogleRequest } from './inspect.ts'
import { GOOGLE_MODEL_MEMBERS, googleNamedModels } from './named-models.ts'
import { googleOperation } from './operations.ts'
import { GOOGLE_LONG_PROMPT_TOKENS, googlePool } from './pool.ts'
import { googleQuotaFailures } from './quota-failure.ts'
import { googleRetryAfterMs } from './retry-after.ts'
import { googleUnified } from './unified/unified.ts'

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
