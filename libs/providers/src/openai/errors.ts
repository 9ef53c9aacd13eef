import type { ErrorAnswer, ErrorToFormat } from '../provider-adapter.ts'

/**
 * An error as OpenAI sends it, of which its SDKs make `AuthenticationError`, `RateLimitError` and the rest, by status.
 * @see https://platform.openai.com/docs/guides/error-codes
 */
export function openAiErrorAnswer({ code, status, message }: ErrorToFormat): ErrorAnswer {
  return {
    headers: JSON_HEADERS,
    body: JSON.stringify({ error: { message, type: errorType(status), param: null, code } }),
  }
}

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' }

function errorType(status: number): string {
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}
