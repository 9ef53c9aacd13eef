import type { ErrorAnswer, ErrorToFormat } from '../provider-adapter.ts'

/**
 * An error as OpenAI sends it, of which its SDKs make `AuthenticationError`, `RateLimitError` and the rest, by status.
 * @see https://platform.openai.com/docs/guides/error-codes
 */
export function openAiErrorAnswer({ code, status, message, param }: ErrorToFormat): ErrorAnswer {
  return {
    headers: JSON_HEADERS,
    body: JSON.stringify({ error: { message, type: openAiErrorType(status), param: param ?? null, code } }),
  }
}

/** The `type` of an error, by its status. */
export function openAiErrorType(status: number): string {
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}

/** The status that goes with the `error` of an event inside a stream, which tells none. */
export function openAiErrorStatus({ type, code }: Readonly<Record<string, unknown>>): number {
  if (THROTTLED.has(type) || THROTTLED.has(code)) return 429
  return type === 'invalid_request_error' ? 400 : 500
}

const THROTTLED: ReadonlySet<unknown> = new Set(['rate_limit_error', 'rate_limit_exceeded', 'insufficient_quota'])

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' }
