import type { Answer, Failure } from '../simulated-provider.ts'
import { errorDetail, errorObject, errorResponse } from './errors.ts'
import { rateLimited, retryInfo } from './rate-limited.ts'

/** https://ai.google.dev/gemini-api/docs/troubleshooting, in the API's own words. The API repeats no key; `echo` makes it. */
export function failure(failure: Failure): Answer {
  switch (failure.kind) {
    case 'missing-api-key':
      return errorResponse(403, MISSING_API_KEY)
    case 'unknown-api-key':
      return unknownApiKey(failure.echo ? ` (${failure.apiKey})` : '')
    case 'unknown-route':
      return errorResponse(404, `The requested URL ${failure.path} was not found on this server.`)
    case 'body-too-large':
      return errorResponse(400, 'Request payload size exceeds the limit: 20971520 bytes.')
    case 'rate-limited':
      return rateLimited(failure)
    case 'forced-rate-limit':
      return errorResponse(
        429,
        errorObject(429, undefined).error.message,
        failure.retryAfterMs === undefined ? [] : [retryInfo(failure.retryAfterMs)],
      )
    case 'forced-status':
      return errorResponse(failure.status, errorObject(failure.status, failure.message).error.message)
  }
}

const MISSING_API_KEY =
  "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form " +
  'of API consumer identity to call this API.'

function unknownApiKey(shownKey: string): Answer {
  const message = `API key not valid${shownKey}. Please pass a valid API key.`
  return errorResponse(400, message, [
    errorDetail('ErrorInfo', {
      reason: 'API_KEY_INVALID',
      domain: 'googleapis.com',
      metadata: { service: 'generativelanguage.googleapis.com' },
    }),
    errorDetail('LocalizedMessage', { locale: 'en-US', message }),
  ])
}
