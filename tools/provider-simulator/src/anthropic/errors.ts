import type { OutgoingHttpHeaders } from 'node:http'
import type { Account } from '../core/accounts.ts'
import type { Metric } from '../core/rate-limiter.ts'
import type { BodyResponse } from '../core/responses.ts'
import { type Failure, type RouteResult, retryAfter } from '../core/simulated-provider.ts'

/** An error, in a response and in a stream alike. */
interface AnthropicError {
  readonly type: string
  readonly message: string
}

/** Writes an error in Anthropic's format: https://platform.claude.com/docs/en/api/errors. */
function errorResponse(
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

/** Refuses a request, at no cost. */
export function invalidRequest(message: string, requestId: string, status = 400): RouteResult {
  const response = errorResponse(status, message, requestId)
  return { respond: () => response }
}

export function errorOfStatus(status: number, message: string | undefined): AnthropicError {
  const type = TYPE_BY_STATUS.get(status) ?? (status < 500 ? 'invalid_request_error' : 'api_error')
  return { type, message: message ?? MESSAGE_BY_TYPE.get(type) ?? 'The request was refused.' }
}

/** Writes the id of a request as Anthropic does, in the header and in errors. */
export function requestIdHeader(requestId: string): string {
  return `req_01${requestId.slice(0, 22)}`
}

export function organizationOf(account: Account): string {
  return account.organization ?? '00000000-0000-4000-8000-000000000000'
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

/** Quotes the API, which repeats no key unless `echo` makes it. */
export function failure(failure: Failure, requestId: string): BodyResponse {
  switch (failure.kind) {
    case 'missing-api-key':
      return errorResponse(401, 'x-api-key header is required', requestId)
    case 'unknown-api-key':
      return errorResponse(401, failure.echo ? `invalid x-api-key: ${failure.apiKey}` : 'invalid x-api-key', requestId)
    case 'unknown-route':
      return errorResponse(404, 'Not Found', requestId)
    case 'body-too-large':
      return errorResponse(413, 'Request exceeds the maximum size', requestId)
    case 'rate-limited':
      return rateLimited(failure, requestId)
    case 'forced-rate-limit':
      return errorResponse(
        429,
        'This request would exceed the rate limit for your organization.',
        requestId,
        retryAfter(failure.retryAfterMs),
      )
    case 'forced-status':
      return errorResponse(failure.status, errorOfStatus(failure.status, failure.message).message, requestId)
  }
}

/** The 429 of an exhausted limit, with `retry-after` unless the request never fits. */
function rateLimited(failure: Extract<Failure, { kind: 'rate-limited' }>, requestId: string): BodyResponse {
  const { account, model, denial } = failure
  const message =
    `This request would exceed your organization's rate limit of ${denial.limit.toLocaleString('en-US')} ` +
    `${METRIC_NAME[denial.metric]} per ${denial.period} (org: ${organizationOf(account)}, model: ${model}). ` +
    'For details, refer to: https://platform.claude.com/docs/en/api/rate-limits. You can see the response headers for current ' +
    'usage. Please reduce the prompt length or the maximum tokens requested, or try again later.'
  return errorResponse(429, message, requestId, retryAfter(denial.waitMs))
}

const METRIC_NAME: Readonly<Record<Metric, string>> = {
  requests: 'requests',
  tokens: 'tokens',
  inputTokens: 'input tokens',
  outputTokens: 'output tokens',
}
