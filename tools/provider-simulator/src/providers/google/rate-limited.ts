import type { Limit, Metric } from '../../core/limits.ts'
import type { Answer, Failure } from '../simulated-provider.ts'
import { type ErrorDetail, errorDetail, errorResponse } from './errors.ts'

/**
 * The 429 of a quota that is used up: which one is in `QuotaFailure`, for how long in `RetryInfo`, as on the free tier
 * (https://ai.google.dev/gemini-api/docs/rate-limits). There are no headers. What never fits has no `RetryInfo`.
 */
export function rateLimited(failure: Extract<Failure, { kind: 'rate-limited' }>): Answer {
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

export function retryInfo(retryAfterMs: number): ErrorDetail {
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

/** As protocol buffers write one in JSON: seconds, with a fraction if there is one. */
function duration(durationMs: number): string {
  return `${Math.ceil(durationMs) / 1000}s`
}
