import type { Limit, Metric } from '../../core/limits.ts'
import { goDuration } from '../../wire/go-duration.ts'
import type { Answer, Failure } from '../simulated-provider.ts'
import { errorResponse } from './errors.ts'
import { DEFAULT_ORGANIZATION } from './headers.ts'
import { retryAfterHeaders } from './retry-after.ts'

/** The 429 of a limit that is used up, or that the request exceeds by itself; the latter says no time to retry. */
export function rateLimited(failure: Extract<Failure, { kind: 'rate-limited' }>): Answer {
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
