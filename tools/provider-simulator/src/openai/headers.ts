import type { OutgoingHttpHeaders } from 'node:http'
import type { Metric } from '../core/rate-limiter.ts'
import type { HeaderContext } from '../core/simulated-provider.ts'

/**
 * Writes a duration as Go's `time.Duration.String` does, which OpenAI uses in headers and messages: `0s`, `120ms`,
 * `8.64s`, `6m0s`, `24h0m0s`. Rounds down to whole milliseconds.
 * @see https://pkg.go.dev/time#Duration.String
 */
export function goDuration(durationMs: number): string {
  const totalMs = Math.floor(durationMs)
  if (totalMs === 0) return '0s'
  if (totalMs < 1000) return `${totalMs}ms`
  const hours = Math.floor(totalMs / 3_600_000)
  const minutes = Math.floor(totalMs / 60_000) % 60
  const seconds = `${(totalMs % 60_000) / 1000}s`
  if (hours > 0) return `${hours}h${minutes}m${seconds}`
  return minutes > 0 ? `${minutes}m${seconds}` : seconds
}

/** The organization of accounts without one. */
export const DEFAULT_ORGANIZATION = 'org-simulator'

/** https://platform.openai.com/docs/api-reference/debugging-requests */
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
