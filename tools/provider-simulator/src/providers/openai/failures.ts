import type { Answer, Failure } from '../simulated-provider.ts'
import { errorOfStatus, errorResponse } from './errors.ts'
import { rateLimited } from './rate-limited.ts'
import { retryAfterHeaders } from './retry-after.ts'

/** https://platform.openai.com/docs/guides/error-codes, in the API's own words. */
export function failure(failure: Failure): Answer {
  switch (failure.kind) {
    case 'missing-api-key':
      return errorResponse(401, { message: MISSING_API_KEY, type: INVALID_REQUEST, param: null, code: null })
    case 'unknown-api-key':
      return unknownApiKey(failure.echo ? failure.apiKey : maskApiKey(failure.apiKey))
    case 'unknown-route':
      return errorResponse(404, {
        message: `Invalid URL (${failure.method} ${failure.path})`,
        type: INVALID_REQUEST,
        param: null,
        code: null,
      })
    case 'body-too-large':
      return errorResponse(413, {
        message: 'Request body is too large.',
        type: INVALID_REQUEST,
        param: null,
        code: null,
      })
    case 'rate-limited':
      return rateLimited(failure)
    case 'forced-rate-limit':
      return errorResponse(
        429,
        errorOfStatus(429, 'Rate limit reached for requests'),
        failure.retryAfterMs === undefined ? {} : retryAfterHeaders(failure.retryAfterMs),
      )
    case 'forced-status':
      return errorResponse(failure.status, errorOfStatus(failure.status, failure.message))
  }
}

/** The key with all but its first eight and last four characters starred, as the API repeats it; short ones in full. */
export function maskApiKey(apiKey: string): string {
  const hidden = apiKey.length - SHOWN_AT_START - SHOWN_AT_END
  if (hidden <= 0) return apiKey
  return apiKey.slice(0, SHOWN_AT_START) + '*'.repeat(hidden) + apiKey.slice(-SHOWN_AT_END)
}

const SHOWN_AT_START = 8
const SHOWN_AT_END = 4
const INVALID_REQUEST = 'invalid_request_error'
const MISSING_API_KEY =
  "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth " +
  "(i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if you're accessing the " +
  'API from your browser and are prompted for a username and password. You can obtain an API key from ' +
  'https://platform.openai.com/account/api-keys.'

function unknownApiKey(shownKey: string): Answer {
  return errorResponse(401, {
    message: `Incorrect API key provided: ${shownKey}. You can find your API key at https://platform.openai.com/account/api-keys.`,
    type: INVALID_REQUEST,
    param: null,
    code: 'invalid_api_key',
  })
}
