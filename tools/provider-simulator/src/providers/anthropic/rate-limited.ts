import type { Metric } from '../../core/limits.ts'
import type { Answer, Failure } from '../simulated-provider.ts'
import { errorResponse } from './errors.ts'
import { organizationOf } from './headers.ts'

/** The 429 of a limit that is used up, with `retry-after` in whole seconds unless the request never fits. */
export function rateLimited(failure: Extract<Failure, { kind: 'rate-limited' }>, requestId: string): Answer {
  const { account, model, denial } = failure
  const message =
    `This request would exceed your organization's rate limit of ${denial.limit.toLocaleString('en-US')} ` +
    `${METRIC_NAME[denial.metric]} per ${denial.period} (org: ${organizationOf(account)}, model: ${model}). ` +
    'For details, refer to: https://platform.claude.com/docs/en/api/rate-limits. You can see the response headers for current ' +
    'usage. Please reduce the prompt length or the maximum tokens requested, or try again later.'
  const headers = denial.waitMs === undefined ? {} : { 'retry-after': `${Math.ceil(denial.waitMs / 1000)}` }
  return errorResponse(429, message, requestId, headers)
}

const METRIC_NAME: Readonly<Record<Metric, string>> = {
  requests: 'requests',
  tokens: 'tokens',
  inputTokens: 'input tokens',
  outputTokens: 'output tokens',
}
