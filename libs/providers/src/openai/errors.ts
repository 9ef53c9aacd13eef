import type { ErrorResponse, ErrorToFormat } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'
import { tokenCount } from '../wire/token-count.ts'

/**
 * An error as OpenAI sends it, of which its SDKs make `AuthenticationError`, `RateLimitError` and the rest, by status.
 * @see https://platform.openai.com/docs/guides/error-codes
 */
export function openAiErrorResponse({ code, status, message, param }: ErrorToFormat): ErrorResponse {
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
 * (OpenRouter, vLLM, Gemini), as a number or as text, or beside the error, or one error in another. 500 where nothing says which.
 * @param around the object that the error is a member of
 * @see https://openrouter.ai/docs/api-reference/errors
 */
export function openAiErrorStatus(error: unknown, around?: unknown): number {
  return statusIn(error) ?? statusIn(around) ?? 500
}

function statusIn(error: unknown): number | undefined {
  if (typeof error === 'string') return statusOfWord(error)
  if (!isRecord(error)) return undefined
  const { type, code, status, status_code: statusCode, error: inner } = error
  for (const told of [code, status, statusCode]) {
    const number = tokenCount(told)
    if (number !== undefined && number >= 400 && number <= 599) return number
  }
  for (const word of [code, type, status]) {
    const known = typeof word === 'string' ? statusOfWord(word) : undefined
    if (known !== undefined) return known
  }
  return isRecord(inner) && inner !== error ? statusIn(inner) : undefined
}

/** `Too many requests`, `TOO_MANY_REQUESTS` and `too-many-requests` are the same. */
function statusOfWord(word: string): number | undefined {
  return STATUSES.get(word.slice(0, MAX_WORD_CHARS).toLowerCase().replace(NO_WORD_END, '').replaceAll(NO_WORD, '_'))
}

/** Returns whether an `error` says something: an object with a member that does, or text. */
export function isPresentError(error: unknown): boolean {
  return isRecord(error) ? Object.values(error).some(isSomething) : typeof error === 'string' && error !== ''
}

/** Some servers have an error that consists of nulls where there is none. */
function isSomething(value: unknown): boolean {
  return value !== null && value !== undefined && value !== ''
}

const MAX_WORD_CHARS = 64
const NO_WORD = /[^a-z0-9]+/g
const NO_WORD_END = /[^a-z0-9]+$/

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
  ['rate_limited', 429],
  ['rate_limit', 429],
  ['overloaded_error', 503],
  ['unavailable', 503],
])

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' }
