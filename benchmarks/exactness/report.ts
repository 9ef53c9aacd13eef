import type { RequestRecord } from '@sluice/provider-simulator'
import { bindingLimit, limitsOf, type ProofAccount } from './accounts.ts'
import { leastInAnyInterval, mostInAnyInterval } from './intervals.ts'

export interface LimitResult {
  readonly row: string
  /** Whether no interval holds more than the limit, and none much less where it is the limit that binds. */
  readonly isProven: boolean
}

/** The part of a limit that every interval has to hold, where demand exceeds it throughout. */
const LEAST_PART = 0.98

export const REPORT_HEAD = [
  '| connection | limit | admitted in all | most in any period | ÷ limit | least in any period and two slots, ÷ limit | |',
  '|---|---|---|---|---|---|---|',
]

/**
 * What each of an account's limits came to, by the provider's count of what arrived. Capacity that was used is free again after its
 * period and up to two slots, so that under demand throughout no longer interval should hold less than the limit.
 */
export function resultsOf(
  account: ProofAccount,
  requests: readonly RequestRecord[],
  tokensPerRequest: number,
  startedAtMs: number,
  endedAtMs: number,
): LimitResult[] {
  const arrivalsMs = requests
    .filter(({ apiKey }) => apiKey === account.upstreamKey)
    .map(({ arrivedAtMs }) => arrivedAtMs)
    .sort((a, b) => a - b)
  const binding = bindingLimit(account, tokensPerRequest, endedAtMs - startedAtMs)
  return limitsOf(account).map(({ period, periodMs, metric, limit }) => {
    const each = metric === 'requests' ? 1 : tokensPerRequest
    const most = mostInAnyInterval(arrivalsMs, periodMs) * each
    const least = leastInAnyInterval(arrivalsMs, periodMs + (2 * periodMs) / 60, endedAtMs)
    const binds = period === binding.period && metric === binding.metric
    const isExceeded = most > limit
    const isUnused = binds && least !== undefined && least * each < limit * LEAST_PART
    const cells = [
      account.name,
      `${limit.toLocaleString('en')} ${metric} a ${period}`,
      (arrivalsMs.length * each).toLocaleString('en'),
      most.toLocaleString('en'),
      (most / limit).toFixed(3),
      least === undefined ? 'the run is shorter' : ((least * each) / limit).toFixed(3),
      isExceeded ? 'EXCEEDED' : isUnused ? 'NOT USED' : binds ? 'binds' : '',
    ]
    return { row: `| ${cells.join(' | ')} |`, isProven: !isExceeded && !isUnused }
  })
}
