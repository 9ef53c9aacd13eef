import type { OutgoingHttpHeaders } from 'node:http'
import type { Metric } from '../core/rate-limiter.ts'
import type { HeaderContext } from '../core/simulated-provider.ts'
import { goDuration } from '../openai/headers.ts'

/**
 * Reports limits by OpenAI's header names, but requests always per day and tokens per minute; limits of other periods
 * are enforced and not reported.
 * @see https://console.groq.com/docs/rate-limits#rate-limit-headers
 */
export function headers({ limits, requestId }: HeaderContext): OutgoingHttpHeaders {
  const common: OutgoingHttpHeaders = { 'x-request-id': groqRequestId(requestId), 'x-groq-region': 'simulator' }
  for (const [metric, period] of REPORTED) {
    const status = limits?.[metric]
    if (status?.period !== period) continue
    common[`x-ratelimit-limit-${metric}`] = status.limit
    common[`x-ratelimit-remaining-${metric}`] = status.remaining
    common[`x-ratelimit-reset-${metric}`] = goDuration(status.resetMs)
  }
  return common
}

const REPORTED: readonly (readonly [Metric, string])[] = [
  ['requests', 'day'],
  ['tokens', 'minute'],
]

/** Writes the id of a request as Groq does, in the header and in `x_groq`. */
export function groqRequestId(requestId: string): string {
  return `req_01${requestId.slice(0, 24)}`
}
