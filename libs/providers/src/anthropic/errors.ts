import { ERROR_TYPES } from '../claude/error-types.ts'
import type { ErrorResponse, ErrorToFormat } from '../provider-adapter.ts'

/**
 * An error as Anthropic sends it, of which its SDKs make `AuthenticationError`, `RateLimitError` and the rest, by status, and
 * their `requestID` of the header.
 * @see https://docs.claude.com/en/api/errors
 */
export function anthropicErrorResponse({ status, message, requestId }: ErrorToFormat): ErrorResponse {
  const type = ERROR_TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error')
  return {
    headers: { ...JSON_HEADERS, 'request-id': requestId },
    body: JSON.stringify({ type: 'error', error: { type, message }, request_id: requestId }),
  }
}

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' }
