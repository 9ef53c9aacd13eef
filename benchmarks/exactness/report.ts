import type { RequestRecord } from '@sluice/provider-simulator'
import { limitsOf, type ProofAccount } from './accounts.ts'
import { leastInAnyInterval, mostInAnyInterval } from './intervals.ts'

export interface LimitResult {
  readonly row: string
  /** Whether no interval holds more than the limit. */
  readonly isHeld: boolean
}

export const REPORT_HEAD = [
  '| connection | limit | admitted in all | most in any period | ÷ limit | least in any period and two slots, ÷ limit |',
  '|---|---|---|---|---|---|',
]

/**
 * What each of an account's limits came to, by the provider's count of what arrived. Capacity that was used is free again after its
 * period and up to two slots, so that under demand throughout no longer interval should hold less than the limit.
 */
export function resultsOf(
  account: ProofAccount,
  requests: readonly RequestRecord[],
  tokensPerRequest: number,
  endedAtMs: number,
): LimitResult[] {
  const arrivalsMs = requests
    .filter(({ apiKey }) => apiKey === account.upstreamKey)
    .map(({ arrivedAtMs }) => arrivedAtMs)
    .sort((a, b) => a - b)
  return limitsOf(account).map(({ period, periodMs, metric, limit }) => {
    const each = metric === 'requests' ? 1 : tokensPerRequest
    const most = mostInAnyInterval(arrivalsMs, periodMs) * each
    const least = leastInAnyInterval(arrivalsMs, periodMs + (2 * periodMs) / 60, endedAtMs)
    const cells = [
      account.name,
      `${limit.toLocaleString('en')} ${metric} a ${period}`,
      (arrivalsMs.length * each).toLocaleString('en'),
      most.toLocaleString('en'),
      (most / limit).toFixed(3),
      least === undefined ? 'the run is shorter' : ((least * each) / limit).toFixed(3),
    ]
    return { row: `| ${cells.join(' | ')} |`, isHeld: most <= limit }
  })
}
