import type { OutgoingHttpHeaders } from 'node:http'
import type { Metric } from '../../core/limits.ts'
import { goDuration } from '../../wire/go-duration.ts'
import type { HeaderContext } from '../simulated-provider.ts'

/** The organization of accounts that name none. */
export const DEFAULT_ORGANIZATION = 'org-simulator'

/** https://platform.openai.com/docs/api-reference/debugging-requests: the headers of every answer. */
export function headers({ account, limits, processingMs, requestId }: HeaderContext): OutgoingHttpHeaders {
  const common: OutgoingHttpHeaders = { 'x-request-id': `req_${requestId}` }
  if (account === undefined) return common
  common['openai-version'] = '2020-10-01'
  common['openai-organization'] = account.organization ?? DEFAULT_ORGANIZATION
  common['openai-processing-ms'] = Math.round(processingMs)
  for (const metric of METRICS) {
    const status = limits?.[metric]
    if (status === undefined) continue
    common[`x-ratelimit-limit-${metric}`] = status.limit
    common[`x-ratelimit-remaining-${metric}`] = status.remaining
    common[`x-ratelimit-reset-${metric}`] = goDuration(status.resetMs)
  }
  return common
}

const METRICS: readonly Metric[] = ['requests', 'tokens']
