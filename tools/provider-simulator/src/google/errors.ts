import type { Limit, Metric } from '../core/rate-limiter.ts'
import type { BodyResponse } from '../core/responses.ts'
import type { Failure, RouteResult } from '../core/simulated-provider.ts'

/**
 * A `google.rpc` detail message: https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto.
 */
interface ErrorDetail {
  readonly '@type': string
  readonly [field: string]: unknown
}

/** Writes an error in Google's format: https://google.aip.dev/193#http11json-representation. */
function errorResponse(status: number, message: string, details: readonly ErrorDetail[] = []): BodyResponse {
  return {
    kind: 'body',
    status,
    headers: { 'content-type': 'application/json; charset=UTF-8' },
    body: `${JSON.stringify(errorObject(status, message, details), null, 2)}\n`,
  }
}

export function errorObject(code: number, message: string | undefined, details: readonly ErrorDetail[] = []) {
  const status = STATUS_BY_CODE.get(code) ?? (code < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL')
  return {
    error: {
      code,
      message: message ?? MESSAGE_BY_STATUS.get(status) ?? 'The request was refused.',
      status,
      ...(details.length > 0 && { details }),
    },
  }
}

/** Refuses a request, at no cost. */
export function invalidRequest(message: string, status = 400, details: readonly ErrorDetail[] = []): RouteResult {
  const response = errorResponse(status, message, details)
  return { respond: () => response }
}

function errorDetail(type: string, fields: Readonly<Record<string, unknown>>): ErrorDetail {
  return { '@type': `type.googleapis.com/google.rpc.${type}`, ...fields }
}

/** https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto */
const STATUS_BY_CODE = new Map([
  [400, 'INVALID_ARGUMENT'],
  [401, 'UNAUTHENTICATED'],
  [403, 'PERMISSION_DENIED'],
  [404, 'NOT_FOUND'],
  [409, 'ABORTED'],
  [429, 'RESOURCE_EXHAUSTED'],
  [499, 'CANCELLED'],
  [501, 'UNIMPLEMENTED'],
  [503, 'UNAVAILABLE'],
  [504, 'DEADLINE_EXCEEDED'],
])

const MESSAGE_BY_STATUS = new Map([
  ['RESOURCE_EXHAUSTED', 'Resource has been exhausted (e.g. check quota).'],
  [
    'INTERNAL',
    'An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting',
  ],
  ['UNAVAILABLE', 'The model is overloaded. Please try again later.'],
])

/**
 * Quotes the API (https://ai.google.dev/gemini-api/docs/troubleshooting), which repeats no key unless `echo` makes it.
 */
export function failure(failure: Failure): BodyResponse {
  switch (failure.kind) {
    case 'missing-api-key':
      return errorResponse(403, MISSING_API_KEY)
    case 'unknown-api-key':
      return unknownApiKey(failure.echo ? ` (${failure.apiKey})` : '')
    case 'unknown-route':
      return errorResponse(404, `The requested URL ${failure.path} was not found on this server.`)
    case 'body-too-large':
      return errorResponse(400, 'Request payload size exceeds the limit: 20971520 bytes.')
    case 'rate-limited':
      return rateLimited(failure)
    case 'forced-rate-limit':
      return errorResponse(
        429,
        errorObject(429, undefined).error.message,
        failure.retryAfterMs === undefined ? [] : [retryInfo(failure.retryAfterMs)],
      )
    case 'forced-status':
      return errorResponse(failure.status, errorObject(failure.status, failure.message).error.message)
  }
}

const MISSING_API_KEY =
  "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form " +
  'of API consumer identity to call this API.'

function unknownApiKey(shownKey: string): BodyResponse {
  const message = `API key not valid${shownKey}. Please pass a valid API key.`
  return errorResponse(400, message, [
    errorDetail('ErrorInfo', {
      reason: 'API_KEY_INVALID',
      domain: 'googleapis.com',
      metadata: { service: 'generativelanguage.googleapis.com' },
    }),
    errorDetail('LocalizedMessage', { locale: 'en-US', message }),
  ])
}

/**
 * The 429 of an exhausted quota, as on the free tier: `QuotaFailure` names it, and `RetryInfo`, unless the request
 * never fits, says when to retry. There are no headers.
 * @see https://ai.google.dev/gemini-api/docs/rate-limits
 */
function rateLimited(failure: Extract<Failure, { kind: 'rate-limited' }>): BodyResponse {
  const { model, denial } = failure
  const { metric, limit, period, waitMs } = denial
  const quotaMetric = `generativelanguage.googleapis.com/${quotaMetricOf(metric)}`
  const violation = {
    quotaMetric,
    quotaId: quotaIdOf(metric, period),
    quotaDimensions: { location: 'global', model },
    quotaValue: `${limit}`,
  }
  const message =
    `${EXCEEDED}\n* Quota exceeded for metric: ${quotaMetric}, limit: ${limit}, model: ${model}` +
    (waitMs === undefined ? '' : `\nPlease retry in ${duration(waitMs)}.`)
  return errorResponse(429, message, [
    errorDetail('Help', {
      links: [
        {
          description: 'Learn more about Gemini API quotas',
          url: 'https://ai.google.dev/gemini-api/docs/rate-limits',
        },
      ],
    }),
    errorDetail('QuotaFailure', { violations: [violation] }),
    ...(waitMs === undefined ? [] : [retryInfo(waitMs)]),
  ])
}

function retryInfo(retryAfterMs: number): ErrorDetail {
  return errorDetail('RetryInfo', { retryDelay: duration(retryAfterMs) })
}

const EXCEEDED =
  'You exceeded your current quota, please check your plan and billing details. For more information on this error, ' +
  'head to: https://ai.google.dev/gemini-api/docs/rate-limits.'

function quotaMetricOf(metric: Metric): string {
  return `generate_content_free_tier_${metric === 'requests' ? 'requests' : 'input_token_count'}`
}

function quotaIdOf(metric: Metric, period: Limit['period']): string {
  const perPeriod = `Per${period.charAt(0).toUpperCase()}${period.slice(1)}`
  return metric === 'requests'
    ? `GenerateRequests${perPeriod}PerProjectPerModel-FreeTier`
    : `GenerateContentInputTokensPerModel${perPeriod}-FreeTier`
}

/** Writes a duration as protocol buffers do in JSON: seconds, with a fraction if there is one. */
function duration(durationMs: number): string {
  return `${Math.ceil(durationMs) / 1000}s`
}
