import type { OutgoingHttpHeaders } from 'node:http'
import type { Limit, Metric } from '../core/rate-limiter.ts'
import type { BodyResponse } from '../core/responses.ts'
import { type Failure, type RouteResult, retryAfter } from '../core/simulated-provider.ts'
import { goDuration } from '../openai/headers.ts'

interface GroqError {
  readonly message: string
  readonly type: string
  readonly code?: string
  readonly param?: string
}

/** Writes an error in Groq's format: https://console.groq.com/docs/errors. */
function errorResponse(status: number, error: GroqError, headers: OutgoingHttpHeaders = {}): BodyResponse {
  return {
    kind: 'body',
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: `${JSON.stringify({ error })}\n`,
  }
}

/** Refuses a request, at no cost. */
export function invalidRequest(
  message: string,
  status = 400,
  fields: Pick<GroqError, 'code' | 'param'> = {},
): RouteResult {
  const response = errorResponse(status, { message, type: 'invalid_request_error', ...fields })
  return { respond: () => response }
}

/** Returns what the API says with a status if nothing more is known. */
export function errorOfStatus(status: number, message: string | undefined): GroqError {
  if (status === 429) return { message: message ?? 'Rate limit reached', type: 'requests', code: 'rate_limit_exceeded' }
  if (status < 500) return { message: message ?? 'The request was refused.', type: 'invalid_request_error' }
  if (status === 503) return { message: message ?? 'Service Unavailable', type: 'service_unavailable' }
  return { message: message ?? 'Internal Server Error', type: 'internal_server_error' }
}

/** Quotes the API, which repeats no key unless `echo` makes it. */
export function failure(failure: Failure): BodyResponse {
  switch (failure.kind) {
    case 'missing-api-key':
      return invalidApiKey('')
    case 'unknown-api-key':
      return invalidApiKey(failure.echo ? `: ${failure.apiKey}` : '')
    case 'unknown-route':
      return errorResponse(404, {
        message:
          `Unknown request URL: ${failure.method} ${failure.path}. Please check the URL for typos, or see the docs at ` +
          'https://console.groq.com/docs/',
        type: 'invalid_request_error',
        code: 'unknown_url',
      })
    case 'body-too-large':
      return errorResponse(413, {
        message: 'Request Entity Too Large',
        type: 'invalid_request_error',
        code: 'request_too_large',
      })
    case 'rate-limited':
      return rateLimited(failure)
    case 'forced-rate-limit':
      return errorResponse(429, errorOfStatus(429, undefined), retryAfter(failure.retryAfterMs))
    case 'forced-status':
      return errorResponse(failure.status, errorOfStatus(failure.status, failure.message))
  }
}

function invalidApiKey(shownKey: string): BodyResponse {
  return errorResponse(401, {
    message: `Invalid API Key${shownKey}`,
    type: 'invalid_request_error',
    code: 'invalid_api_key',
  })
}

/**
 * The 429 of an exhausted limit, with `retry-after` (https://console.groq.com/docs/rate-limits).
 * A request that exceeds the limit by itself is a 413, which the official SDK does not retry.
 */
function rateLimited(failure: Extract<Failure, { kind: 'rate-limited' }>): BodyResponse {
  const { account, model, denial } = failure
  const { metric, limit, requested, waitMs } = denial
  const where =
    `model \`${model}\` in organization \`${account.organization ?? DEFAULT_ORGANIZATION}\` service tier \`on_demand\` ` +
    `on ${limitName(metric, denial.period)}`
  const error = { type: metric === 'requests' ? 'requests' : 'tokens', code: 'rate_limit_exceeded' }

  if (waitMs === undefined) {
    const message = `Request too large for ${where}: Limit ${limit}, Requested ${requested}, please reduce your message size and try again. ${UPGRADE}`
    return errorResponse(413, { message, ...error })
  }
  const message =
    `Rate limit reached for ${where}: Limit ${limit}, Used ${limit - denial.remaining}, Requested ${requested}. ` +
    `Please try again in ${goDuration(Math.ceil(waitMs))}. ${UPGRADE}`
  return errorResponse(429, { message, ...error }, retryAfter(waitMs))
}

const DEFAULT_ORGANIZATION = 'org_01simulator'
const UPGRADE = 'Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing'

/** `tokens per minute (TPM)`. */
function limitName(metric: Metric, period: Limit['period']): string {
  const unit = metric === 'requests' ? 'requests' : 'tokens'
  return `${unit} per ${period} (${unit.charAt(0).toUpperCase()}P${period.charAt(0).toUpperCase()})`
}
