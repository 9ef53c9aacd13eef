import type { Answer, Failure } from '../simulated-provider.ts'
import { errorAnswer, errorOfStatus } from './errors.ts'

/** In the API's own words. AWS knows callers by their signature, so that the answers about API keys are one. */
export function failure(failure: Failure): Answer {
  switch (failure.kind) {
    case 'missing-api-key':
    case 'unknown-api-key':
      return errorAnswer(403, { type: 'MissingAuthenticationTokenException', message: 'Missing Authentication Token' })
    case 'unknown-route':
      return errorAnswer(404, {
        type: 'UnknownOperationException',
        message: `No operation at ${failure.method} ${failure.path}`,
      })
    case 'body-too-large':
      return errorAnswer(413, { type: 'ValidationException', message: 'Request body is too large.' })
    case 'rate-limited':
      return errorAnswer(429, {
        type: 'ThrottlingException',
        message: `Too many ${failure.denial.metric === 'requests' ? 'requests' : 'tokens'}, please wait before trying again.`,
      })
    case 'forced-rate-limit':
      return errorAnswer(
        429,
        errorOfStatus(429),
        failure.retryAfterMs === undefined ? {} : { 'retry-after': `${Math.ceil(failure.retryAfterMs / 1000)}` },
      )
    case 'forced-status':
      return errorAnswer(failure.status, errorOfStatus(failure.status, failure.message))
  }
}
