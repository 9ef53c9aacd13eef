import { ERROR_TYPES } from '../claude/errors.ts'
import type { ErrorResponse, ErrorToFormat } from '../provider-adapter.ts'
import type { TranslatedError } from '../unified-api.ts'
import { isRecord, parseJson } from '../wire/json.ts'

/**
 * Returns an error in Anthropic's format. Its SDKs derive the exception (`AuthenticationError`, `RateLimitError`, …)
 * from the status, and `requestID` from the header.
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

/** Reads an error response: `{"type": "error", "error": {"type", "message"}}`, or any other body. */
export function readErrorResponse(status: number, body: Buffer): TranslatedError {
  const response = parseJson(body)
  return readError(
    isRecord(response) ? (response.error ?? response) : undefined,
    `Anthropic returned status ${status}.`,
  )
}

/** Reads the `error` of a response or an event. @param fallback the message where it has none */
export function readError(error: unknown, fallback: string): TranslatedError {
  const { type, message } = isRecord(error) ? error : { type: undefined, message: error }
  return {
    message: typeof message === 'string' && message !== '' ? message : fallback,
    // The type "error" belongs to an event that has the error's members itself.
    code: typeof type === 'string' && type !== 'error' ? type : null,
  }
}
