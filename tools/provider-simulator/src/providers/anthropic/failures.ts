import type { Answer, Failure } from '../simulated-provider.ts'
import { errorOfStatus, errorResponse } from './errors.ts'
import { rateLimited } from './rate-limited.ts'

/** https://platform.claude.com/docs/en/api/errors, in the API's own words. The API repeats no key; `echo` makes it. */
export function failure(failure: Failure, requestId: string): Answer {
  switch (failure.kind) {
    case 'missing-api-key':
      return errorResponse(401, 'x-api-key header is required', requestId)
    case 'unknown-api-key':
      return errorResponse(401, failure.echo ? `invalid x-api-key: ${failure.apiKey}` : 'invalid x-api-key', requestId)
    case 'unknown-route':
      return errorResponse(404, 'Not Found', requestId)
    case 'body-too-large':
      return errorResponse(413, 'Request exceeds the maximum size', requestId)
    case 'rate-limited':
      return rateLimited(failure, requestId)
    case 'forced-rate-limit':
      return errorResponse(
        429,
        'This request would exceed the rate limit for your organization.',
        requestId,
        failure.retryAfterMs === undefined ? {} : { 'retry-after': `${Math.ceil(failure.retryAfterMs / 1000)}` },
      )
    case 'forced-status':
      return errorResponse(failure.status, errorOfStatus(failure.status, failure.message).message, requestId)
  }
}
