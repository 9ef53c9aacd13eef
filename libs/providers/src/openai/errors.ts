import type { ErrorAnswer, ErrorToFormat } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'
import { tokenCount } from '../wire/token-count.ts'

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

/**
 * Returns the status that goes with the `error` inside a 2xx. OpenAI's has none, but a word; other servers have the status as its `code`
 * (OpenRouter, vLLM, Gemini), as a number or as text, or one error in another. 500 where nothing tells.
 * @see https://openrouter.ai/docs/api-reference/errors
 */
export function openAiErrorStatus(error: unknown): number {
  if (!isRecord(error)) return 500
  const { type, code, status, status_code: statusCode, error: inner } = error
  for (const told of [code, status, statusCode]) {
    const number = tokenCount(told)
    if (number !== undefined && number >= 400 && number <= 599) return number
  }
  for (const word of [code, type, status]) {
    const known = typeof word === 'string' ? STATUSES.get(word.toLowerCase()) : undefined
    if (known !== undefined) return known
  }
  return isRecord(inner) && inner !== error ? openAiErrorStatus(inner) : 500
}

const STATUSES: ReadonlyMap<string, number> = new Map([
  ['rate_limit_error', 429],
  ['rate_limit_exceeded', 429],
  ['insufficient_quota', 429],
  ['too_many_requests', 429],
  ['resource_exhausted', 429],
  ['invalid_request_error', 400],
  ['invalid_argument', 400],
  ['authentication_error', 401],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['overloaded_error', 503],
  ['unavailable', 503],
])

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' }
