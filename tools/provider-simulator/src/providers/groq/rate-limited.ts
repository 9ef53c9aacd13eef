import type { Limit, Metric } from '../../core/limits.ts'
import { goDuration } from '../../wire/go-duration.ts'
import type { Answer, Failure } from '../simulated-provider.ts'
import { errorResponse } from './errors.ts'

/**
 * The 429 of a limit that is used up, with `retry-after` in whole seconds (https://console.groq.com/docs/rate-limits).
 * A request that exceeds the limit by itself is a 413, which the official SDK does not retry.
 */
export function rateLimited(failure: Extract<Failure, { kind: 'rate-limited' }>): Answer {
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
  return errorResponse(429, { message, ...error }, { 'retry-after': `${Math.ceil(waitMs / 1000)}` })
}

const DEFAULT_ORGANIZATION = 'org_01simulator'
const UPGRADE = 'Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing'

/** `tokens per minute (TPM)`. */
function limitName(metric: Metric, period: Limit['period']): string {
  const unit = metric === 'requests' ? 'requests' : 'tokens'
  return `${unit} per ${period} (${unit.charAt(0).toUpperCase()}P${period.charAt(0).toUpperCase()})`
}
