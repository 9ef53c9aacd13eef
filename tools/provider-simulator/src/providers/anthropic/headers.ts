import type { OutgoingHttpHeaders } from 'node:http'
import type { Account } from '../../core/accounts.ts'
import type { Metric } from '../../core/limits.ts'
import type { LimitStatus } from '../../core/rate-limiter.ts'
import type { HeaderContext } from '../simulated-provider.ts'
import { requestIdHeader } from './errors.ts'

/** https://platform.claude.com/docs/en/api/rate-limits#response-headers: the headers of every answer. */
export function headers({ account, limits, arrivedAtMs, requestId }: HeaderContext): OutgoingHttpHeaders {
  const common: OutgoingHttpHeaders = { 'request-id': requestIdHeader(requestId) }
  if (account === undefined) return common
  common['anthropic-organization-id'] = organizationOf(account)
  for (const [metric, name] of HEADER_NAMES) {
    const status = limits?.[metric]
    if (status === undefined) continue
    common[`anthropic-ratelimit-${name}-limit`] = status.limit
    common[`anthropic-ratelimit-${name}-remaining`] = metric === 'requests' ? status.remaining : rounded(status)
    common[`anthropic-ratelimit-${name}-reset`] = rfc3339(arrivedAtMs + status.resetMs)
  }
  return common
}

export function organizationOf(account: Account): string {
  return account.organization ?? '00000000-0000-4000-8000-000000000000'
}

const HEADER_NAMES: readonly (readonly [Metric, string])[] = [
  ['requests', 'requests'],
  ['tokens', 'tokens'],
  ['inputTokens', 'input-tokens'],
  ['outputTokens', 'output-tokens'],
]

/** To the nearest thousand, as the API documents it. Smaller limits, which the API does not have, are told exactly. */
function rounded({ limit, remaining }: LimitStatus): number {
  return limit < 1000 ? remaining : Math.min(limit, Math.round(remaining / 1000) * 1000)
}

/** Whole seconds, rounded up: `2025-08-21T12:40:59Z`. */
function rfc3339(atMs: number): string {
  return new Date(Math.ceil(atMs / 1000) * 1000).toISOString().replace('.000Z', 'Z')
}
