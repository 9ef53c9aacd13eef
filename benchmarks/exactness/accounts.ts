import { type CapacityLimit, type Metric, PERIOD_MS, type Period } from '@sluice/contracts'

/** A connection of the proof, with its capacity and the account that its requests reach. */
export interface ProofAccount {
  readonly name: string
  readonly upstreamKey: string
  readonly capacity: readonly CapacityLimit[]
}

/** What every request asks for, and the simulator answers exactly. */
export const OUTPUT_TOKENS = 50

export interface ProofLimit {
  readonly period: Period
  readonly periodMs: number
  readonly metric: Metric
  readonly limit: number
}

/** Each limit of an account on its own. */
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

/** The limit of the account that lets the fewest requests through in a run: the others have always something left. */
export function bindingLimit(account: ProofAccount, tokensPerRequest: number, durationMs: number): ProofLimit {
  const allowed = ({ metric, limit, periodMs }: ProofLimit) =>
    Math.floor(metric === 'requests' ? limit : limit / tokensPerRequest) * Math.ceil(durationMs / periodMs)
  return limitsOf(account).reduce((least, limit) => (allowed(limit) < allowed(least) ? limit : least))
}
