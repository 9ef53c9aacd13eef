import { isPresentError, openAiErrorStatus } from '../openai/errors.ts'
import { isRecord } from '../wire/json.ts'

/** The types of Anthropic's errors, by status. @see https://docs.claude.com/en/api/errors */
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
 * Returns the status that goes with the error which an event's data, or a document that came with 200, hold; undefined where they hold none.
 * Servers that speak Anthropic's API leave the `type` around it out.
 */
export function claudeErrorStatusIn(event: unknown): number | undefined {
  if (!isRecord(event)) return undefined
  const { type, error } = event
  return type === 'error' || isPresentError(error)
    ? claudeErrorStatus(isPresentError(error) ? error : event)
    : undefined
}

/** Returns the status that goes with an `error` inside a 2xx; 500 where nothing says which. */
export function claudeErrorStatus(error: unknown): number {
  const type = isRecord(error) ? error.type : undefined
  return (typeof type === 'string' ? STATUSES.get(type) : undefined) ?? openAiErrorStatus(error)
}

const STATUSES: ReadonlyMap<string, number> = new Map(
  Object.entries(ERROR_TYPES).map(([status, type]) => [type, Number(status)]),
)
