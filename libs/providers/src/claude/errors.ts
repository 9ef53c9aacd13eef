import { isPresentError, openAiErrorStatus } from '../openai/errors.ts'
import { isRecord } from '../wire/json.ts'

/** Anthropic's error types by HTTP status. @see https://docs.claude.com/en/api/errors */
export const ERROR_TYPES: Readonly<Record<number, string>> = {
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

/**
 * Returns the status of the error in an event's data or in a document that came with status 200; undefined where there
 * is none. Other servers with Anthropic's API leave out the `type` around the error.
 */
export function claudeErrorStatusIn(event: unknown): number | undefined {
  if (!isRecord(event)) return undefined
  const { type, error } = event
  return type === 'error' || isPresentError(error)
    ? claudeErrorStatus(isPresentError(error) ? error : event)
    : undefined
}

/** Returns the status of an `error` inside a 2xx response; 500 where it does not say. */
export function claudeErrorStatus(error: unknown): number {
  const type = isRecord(error) ? error.type : undefined
  return (typeof type === 'string' ? STATUSES.get(type) : undefined) ?? openAiErrorStatus(error)
}

const STATUSES: ReadonlyMap<string, number> = new Map(
  Object.entries(ERROR_TYPES).map(([status, type]) => [type, Number(status)]),
)
