import type { ErrorAnswer, ErrorToFormat } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'

/**
 * An error as Anthropic sends it, of which its SDKs make `AuthenticationError`, `RateLimitError` and the rest, by status.
 * @see https://docs.claude.com/en/api/errors
 */
export function anthropicErrorAnswer({ status, message, requestId }: ErrorToFormat): ErrorAnswer {
  const type = TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error')
  return {
    headers: JSON_HEADERS,
    body: JSON.stringify({ type: 'error', error: { type, message }, request_id: requestId }),
  }
}

/** The status that goes with the `error` of an event inside a stream. */
export function anthropicErrorStatus(error: unknown): number {
  const type = isRecord(error) ? error.type : undefined
  return (typeof type === 'string' ? STATUSES.get(type) : undefined) ?? 500
}

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' }

const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

const STATUSES: ReadonlyMap<string, number> = new Map(
  Object.entries(TYPES).map(([status, type]) => [type, Number(status)]),
)
