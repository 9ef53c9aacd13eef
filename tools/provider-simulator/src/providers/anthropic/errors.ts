import type { OutgoingHttpHeaders } from 'node:http'
import type { BodyResponse, Reply } from '../simulated-provider.ts'

/** What the content of an error says, in an answer and in a stream alike. */
export interface AnthropicError {
  readonly type: string
  readonly message: string
}

/** An error in Anthropic's format: https://platform.claude.com/docs/en/api/errors. */
export function errorResponse(
  status: number,
  message: string,
  requestId: string,
  headers: OutgoingHttpHeaders = {},
): BodyResponse {
  const error = errorOfStatus(status, message)
  return {
    kind: 'body',
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ type: 'error', error, request_id: requestIdHeader(requestId) }),
  }
}

/** The request is at fault, and costs nothing. */
export function invalidRequest(message: string, requestId: string, status = 400): Reply {
  const answer = errorResponse(status, message, requestId)
  return { answer: () => answer }
}

export function errorOfStatus(status: number, message: string | undefined): AnthropicError {
  const type = TYPE_BY_STATUS.get(status) ?? (status < 500 ? 'invalid_request_error' : 'api_error')
  return { type, message: message ?? MESSAGE_BY_TYPE.get(type) ?? 'The request was refused.' }
}

/** The id of a request as Anthropic writes it, in the header and in errors. */
export function requestIdHeader(requestId: string): string {
  return `req_01${requestId.slice(0, 22)}`
}

const TYPE_BY_STATUS = new Map([
  [401, 'authentication_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [504, 'timeout_error'],
  [529, 'overloaded_error'],
])

const MESSAGE_BY_TYPE = new Map([
  ['api_error', 'Internal server error'],
  ['overloaded_error', 'Overloaded'],
  ['timeout_error', 'Request timed out'],
])
