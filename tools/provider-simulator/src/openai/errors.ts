import type { OutgoingHttpHeaders } from 'node:http'
import type { Limit, Metric } from '../core/rate-limiter.ts'
import type { BodyResponse } from '../core/responses.ts'
import { type Failure, type RouteResult, retryAfter } from '../core/simulated-provider.ts'
import { DEFAULT_ORGANIZATION, goDuration } from './headers.ts'

interface OpenAiError {
  readonly message: string
  readonly type: string
  readonly param: string | null
  readonly code: string | null
}

/** Writes an error as the API does, indentation included. */
function errorResponse(status: number, error: OpenAiError, headers: OutgoingHttpHeaders = {}): BodyResponse {
  return {
    kind: 'body',
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: `${JSON.stringify({ error }, null, 4)}\n`,
  }
}

/** Refuses a request. */
export function invalidRequest(status: number, message: string, param?: string, code?: string): RouteResult {
  const response = errorResponse(status, {
    message,
    type: 'invalid_request_error',
    param: param ?? null,
    code: code ?? null,
  })
  return { respond: () => response }
}

/** Returns what the API says with a status if nothing more is known. */
export function errorOfStatus(status: number, message: string | undefined): OpenAiError {
  if (status === 429) return { message: message ?? 'Rate limit reached', ...RATE_LIMITED, param: null }
  return status < 500
    ? { message: message ?? 'The request was refused.', type: 'invalid_request_error', param: null, code: null }
    : { message: message ?? SERVER_ERROR, type: 'server_error', param: null, code: null }
}

/** A 429 that names no limit. */
const RATE_LIMITED = { type: 'requests', code: 'rate_limit_exceeded' } as const
const SERVER_ERROR = 'The server had an error while processing your request. Sorry about that!'

/** Quotes the API: https://platform.openai.com/docs/guides/error-codes. */
export function failure(failure: Failure): BodyResponse {
  switch (failure.kind) {
    case 'missing-api-key':
      return errorResponse(401, errorOfStatus(401, MISSING_API_KEY))
    case 'unknown-api-key':
      return unknownApiKey(failure.echo ? failure.apiKey : maskApiKey(failure.apiKey))
    case 'unknown-route':
      return errorResponse(404, errorOfStatus(404, `Invalid URL (${failure.method} ${failure.path})`))
    case 'body-too-large':
      return errorResponse(413, errorOfStatus(413, 'Request body is too large.'))
    case 'rate-limited':
      return rateLimited(failure)
    case 'forced-rate-limit':
      return errorResponse(
        429,
        errorOfStatus(429, 'Rate limit reached for requests'),
        failure.retryAfterMs === undefined ? {} : retryAfterHeaders(failure.retryAfterMs),
      )
    case 'forced-status':
      return errorResponse(failure.status, errorOfStatus(failure.status, failure.message))
  }
}

/**
 * Replaces all but the first eight and last four characters of a key by stars, as the API does; repeats short keys in
 * full.
 */
export function maskApiKey(apiKey: string): string {
  const hidden = apiKey.length - SHOWN_AT_START - SHOWN_AT_END
  if (hidden <= 0) return apiKey
  return apiKey.slice(0, SHOWN_AT_START) + '*'.repeat(hidden) + apiKey.slice(-SHOWN_AT_END)
}

const SHOWN_AT_START = 8
const SHOWN_AT_END = 4
const MISSING_API_KEY =
  "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth " +
  "(i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if you're accessing the " +
  'API from your browser and are prompted for a username and password. You can obtain an API key from ' +
  'https://platform.openai.com/account/api-keys.'

function unknownApiKey(shownKey: string): BodyResponse {
  return errorResponse(401, {
    message: `Incorrect API key provided: ${shownKey}. You can find your API key at https://platform.openai.com/account/api-keys.`,
    type: 'invalid_request_error',
    param: null,
    code: 'invalid_api_key',
  })
}

/** States when to retry: HTTP's whole seconds, and the exact milliseconds that the OpenAI SDK prefers. */
function retryAfterHeaders(retryAfterMs: number): OutgoingHttpHeaders {
  return { ...retryAfter(retryAfterMs), 'retry-after-ms': `${retryAfterMs}` }
}

/** The 429 of an exhausted limit, or of one that the request alone exceeds: that has no time to retry. */
function rateLimited(failure: Extract<Failure, { kind: 'rate-limited' }>): BodyResponse {
  const { account, model, denial } = failure
  const { metric, limit, requested, waitMs } = denial
  const organization = account.organization ?? DEFAULT_ORGANIZATION
  const where = `${model} in organization ${organization} on ${limitName(metric, denial.period)}`
  const error = { type: metric, param: null, code: 'rate_limit_exceeded' }

  if (waitMs === undefined) {
    const message =
      `Request too large for ${where}: Limit ${limit}, Requested ${requested}. ` +
      `The input or output tokens must be reduced in order to run successfully. ${LEARN_MORE}`
    return errorResponse(429, { message, ...error })
  }
  const retryAfterMs = Math.ceil(waitMs)
  const message =
    `Rate limit reached for ${where}: Limit ${limit}, Used ${limit - denial.remaining}, Requested ${requested}. ` +
    `Please try again in ${goDuration(retryAfterMs)}. ${LEARN_MORE}`
  return errorResponse(429, { message, ...error }, retryAfterHeaders(retryAfterMs))
}

const LEARN_MORE = 'Visit https://platform.openai.com/account/rate-limits to learn more.'

function limitName(metric: Metric, period: Limit['period']): string {
  const abbreviation = `${metric === 'requests' ? 'R' : 'T'}P${period.charAt(0).toUpperCase()}`
  const perPeriod = period === 'minute' ? 'per min' : `per ${period}`
  return `${metric} ${perPeriod} (${abbreviation})`
}
