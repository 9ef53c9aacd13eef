import type { Answer, Failure } from '../simulated-provider.ts'
import { errorOfStatus, errorResponse } from './errors.ts'

/** In the API's own words. AWS knows callers by their signature, so that the answers about API keys are one. */
export function failure(failure: Failure): Answer {
  switch (failure.kind) {
    case 'missing-api-key':
    case 'unknown-api-key':
      return errorResponse(403, {
        type: 'MissingAuthenticationTokenException',
        message: 'Missing Authentication Token',
      })
    case 'unknown-route':
      return errorResponse(404, {
        type: 'UnknownOperationException',
        message: `No operation at ${failure.method} ${failure.path}`,
      })
    case 'body-too-large':
      return errorResponse(413, { type: 'ValidationException', message: 'Request body is too large.' })
    case 'rate-limited':
      return errorResponse(429, {
        type: 'ThrottlingException',
        message: `Too many ${failure.denial.metric === 'requests' ? 'requests' : 'tokens'}, please wait before trying again.`,
      })
    case 'forced-rate-limit':
      return errorResponse(
        429,
        errorOfStatus(429),
        failure.retryAfterMs === undefined ? {} : { 'retry-after': `${Math.ceil(failure.retryAfterMs / 1000)}` },
      )
    case 'forced-status':
      return errorResponse(failure.status, errorOfStatus(failure.status, failure.message))
  }
}
