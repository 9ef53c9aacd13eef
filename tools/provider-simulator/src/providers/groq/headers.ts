import type { OutgoingHttpHeaders } from 'node:http'
import type { Metric } from '../../core/limits.ts'
import { goDuration } from '../../wire/go-duration.ts'
import type { HeaderContext } from '../simulated-provider.ts'

/**
 * https://console.groq.com/docs/rate-limits#rate-limit-headers: OpenAI's names, but the requests are always those of a
 * day and the tokens those of a minute; a limit of another period is enforced and not told.
 */
export function headers({ limits, requestId }: HeaderContext): OutgoingHttpHeaders {
  const common: OutgoingHttpHeaders = { 'x-request-id': groqRequestId(requestId), 'x-groq-region': 'simulator' }
  for (const [metric, period] of TOLD) {
    const status = limits?.[metric]
    if (status?.period !== period) continue
    common[`x-ratelimit-limit-${metric}`] = status.limit
    common[`x-ratelimit-remaining-${metric}`] = status.remaining
    common[`x-ratelimit-reset-${metric}`] = goDuration(status.resetMs)
  }
  return common
}

/** The id of a request as Groq writes it, in the header and in `x_groq`. */
export function groqRequestId(requestId: string): string {
  return `req_01${requestId.slice(0, 24)}`
}

const TOLD: readonly (readonly [Metric, string])[] = [
  ['requests', 'day'],
  ['tokens', 'minute'],
]
