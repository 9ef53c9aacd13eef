import { bindingLimit, limitsOf, type ProofAccount } from './accounts.ts'
import type { Departure } from './wire/departures.ts'

/**
 * Returns the largest number of `arrivalsMs` (ascending) in any interval of `lengthMs`, its end excluded: what a limit
 * bounds.
 */
export function mostInAnyInterval(arrivalsMs: readonly number[], lengthMs: number): number {
  let most = 0
  let first = 0
  for (const [last, endMs] of arrivalsMs.entries()) {
    while ((arrivalsMs[first] ?? endMs) <= endMs - lengthMs) first++
    most = Math.max(most, last - first + 1)
  }
  return most
}

/**
 * Returns the smallest number of `arrivalsMs` (ascending) in any interval of `lengthMs` that begins at or after the
 * first arrival and ends by `untilMs`; undefined if there is none. An interval is emptiest right after an arrival.
 */
export function leastInAnyInterval(
  arrivalsMs: readonly number[],
  lengthMs: number,
  untilMs: number,
): number | undefined {
  let least: number | undefined
  let next = 0
  for (const [index, startMs] of arrivalsMs.entries()) {
    const endMs = startMs + lengthMs
    if (endMs > untilMs) break
    while ((arrivalsMs[next] ?? Number.POSITIVE_INFINITY) <= endMs) next++
    const within = next - index - 1
    if (least === undefined || within < least) least = within
  }
  return least
}

/** The result for one limit of an account. */
export interface Verdict {
  readonly account: string
  readonly limit: string
  readonly admitted: number
  /** The most in any period ÷ the limit: by the request headers, and by the last bytes of complete requests. */
  readonly byHeads: number
  readonly byWholes: number
  /**
   * The least in any period and two slots ÷ the limit; undefined if it was not measured. Used capacity is free again
   * after its period and up to two slots, so under constant demand every interval of that length should hold the whole
   * limit.
   */
  readonly use: number | undefined
  readonly binds: boolean
  readonly finding: 'kept' | 'EXCEEDED' | 'NOT USED'
}

export interface JudgeOptions {
  /** The use of a token limit by each request. Default: 1. */
  readonly tokensPerRequest?: number
  /** The time while demand exceeds the limit throughout (Unix milliseconds); absent: use is not judged. */
  readonly demand?: {
    readonly fromMs: number
    readonly untilMs: number
    /**
     * The time that requests take to use capacity that is freed all at once; lengthens the intervals of `least`.
     * Default: 0.
     */
    readonly fillMs?: number
  }
}

/** The share of a limit that every interval must hold under constant demand. */
const MIN_USE = 0.98

/** Judges each of an account's limits by when its requests were sent. */
export function judge(
  account: ProofAccount,
  departures: readonly Departure[],
  { tokensPerRequest = 1, demand }: JudgeOptions,
): Verdict[] {
  const heads = departures.map(({ headAtMs }) => headAtMs).sort((a, b) => a - b)
  const wholes = departures
    .flatMap(({ wholeAtMs }) => (wholeAtMs === undefined ? [] : [wholeAtMs]))
    .sort((a, b) => a - b)
  const binding = demand && bindingLimit(account, tokensPerRequest, demand.untilMs - demand.fromMs)
  const headsUnderDemand = demand === undefined ? [] : heads.filter((atMs) => atMs >= demand.fromMs)
  return limitsOf(account).map(({ period, periodMs, metric, limit }) => {
    const each = metric === 'requests' ? 1 : tokensPerRequest
    const intervalMs = periodMs + (2 * periodMs) / SLOTS_PER_PERIOD + (demand?.fillMs ?? 0)
    const least = demand && leastInAnyInterval(headsUnderDemand, intervalMs, demand.untilMs)
    const byHeads = (mostInAnyInterval(heads, periodMs) * each) / limit
    const byWholes = (mostInAnyInterval(wholes, periodMs) * each) / limit
    const use = least === undefined ? undefined : (least * each) / limit
    const binds = period === binding?.period && metric === binding.metric
    const isUnused = binds && use !== undefined && use < MIN_USE
    return {
      account: account.name,
      limit: `${limit.toLocaleString('en')} ${metric} per ${period}`,
      admitted: heads.length * each,
      byHeads,
      byWholes,
      use,
      binds,
      finding: Math.max(byHeads, byWholes) > 1 ? 'EXCEEDED' : isUnused ? 'NOT USED' : 'kept',
    }
  })
}

const SLOTS_PER_PERIOD = 60
