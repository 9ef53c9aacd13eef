import { type CapacityLimit, type Metric, PERIOD_MS, type Period } from '@sluice/contracts'

/** A connection under test, with its capacity and the provider account that its requests reach. */
export interface ProofAccount {
  readonly name: string
  readonly upstreamKey: string
  readonly capacity: readonly CapacityLimit[]
}

/** The output tokens that every request asks for and the simulator returns. */
export const OUTPUT_TOKENS = 50

export interface ProofLimit {
  readonly period: Period
  readonly periodMs: number
  readonly metric: Metric
  readonly limit: number
}

/** Returns the limits of an account, one metric each. */
export function limitsOf({ capacity }: ProofAccount): ProofLimit[] {
  return capacity.flatMap(({ period, requests, tokens }) => [
    ...(requests === undefined
      ? []
      : [{ period, periodMs: PERIOD_MS[period], metric: 'requests' as const, limit: requests }]),
    ...(tokens === undefined
      ? []
      : [{ period, periodMs: PERIOD_MS[period], metric: 'tokens' as const, limit: tokens }]),
  ])
}

/** Returns the limit that admits the fewest requests in a run: the others always have capacity remaining. */
export function bindingLimit(account: ProofAccount, tokensPerRequest: number, durationMs: number): ProofLimit {
  const allowed = ({ metric, limit, periodMs }: ProofLimit) =>
    Math.floor(metric === 'requests' ? limit : limit / tokensPerRequest) * Math.ceil(durationMs / periodMs)
  return limitsOf(account).reduce((least, limit) => (allowed(limit) < allowed(least) ? limit : least))
}
