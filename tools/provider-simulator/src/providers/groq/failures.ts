import type { Answer, Failure } from '../simulated-provider.ts'
import { errorOfStatus, errorResponse } from './errors.ts'
import { rateLimited } from './rate-limited.ts'

/** https://console.groq.com/docs/errors, in the API's own words. The API repeats no key; `echo` makes it. */
export function failure(failure: Failure): Answer {
  switch (failure.kind) {
    case 'missing-api-key':
      return invalidApiKey('')
    case 'unknown-api-key':
      return invalidApiKey(failure.echo ? `: ${failure.apiKey}` : '')
    case 'unknown-route':
      return errorResponse(404, {
        message:
          `Unknown request URL: ${failure.method} ${failure.path}. Please check the URL for typos, or see the docs at ` +
          'https://console.groq.com/docs/',
        type: 'invalid_request_error',
        code: 'unknown_url',
      })
    case 'body-too-large':
      return errorResponse(413, {
        message: 'Request Entity Too Large',
        type: 'invalid_request_error',
        code: 'request_too_large',
      })
    case 'rate-limited':
      return rateLimited(failure)
    case 'forced-rate-limit':
      return errorResponse(
        429,
        errorOfStatus(429, undefined),
        failure.retryAfterMs === undefined ? {} : { 'retry-after': `${Math.ceil(failure.retryAfterMs / 1000)}` },
      )
    case 'forced-status':
      return errorResponse(failure.status, errorOfStatus(failure.status, failure.message))
  }
}

function invalidApiKey(shownKey: string): Answer {
  return errorResponse(401, {
    message: `Invalid API Key${shownKey}`,
    type: 'invalid_request_error',
    code: 'invalid_api_key',
  })
}
