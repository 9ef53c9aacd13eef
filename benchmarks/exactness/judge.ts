import { bindingLimit, limitsOf, type ProofAccount } from './accounts.ts'
import type { Departure } from './wire/departures.ts'

/** The largest number of `arrivalsMs` (ascending) in any interval of `lengthMs`, its end not included: what a limit promises. */
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
 * The smallest number of `arrivalsMs` (ascending) in any interval of `lengthMs` that begins at or after the first arrival and is over
 * by `untilMs`; undefined where there is no such interval. An interval is emptiest right after an arrival.
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

/** What one limit of an account came to. */
export interface Verdict {
  readonly account: string
  readonly limit: string
  readonly admitted: number
  /** The most in any period, over the limit: by requests' heads, and by the last bytes of whole requests. */
  readonly byHeads: number
  readonly byWholes: number
  /**
   * The least in any period and two slots, over the limit; undefined where nothing is said of it. Capacity that was used is free again
   * after its period and up to two slots, so under demand throughout no longer interval should hold less than the limit.
   */
  readonly use: number | undefined
  readonly binds: boolean
  readonly finding: 'kept' | 'EXCEEDED' | 'NOT USED'
}

export interface JudgeOptions {
  /** What each request uses of a limit of tokens. Default: 1. */
  readonly tokensPerRequest?: number
  /** Between which instants (Unix milliseconds) demand exceeds the limit throughout; absent: use is not judged. */
  readonly demand?: {
    readonly fromMs: number
    readonly untilMs: number
    /** How long requests take to use what is freed at once, where that is not at once; their intervals are longer by it. Default: 0. */
    readonly fillMs?: number
  }
}

/** The part of a limit that every interval has to hold, where demand exceeds it throughout. */
const LEAST_PART = 0.98

/** Judges each of an account's limits by when its requests left. */
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
    const isUnused = binds && use !== undefined && use < LEAST_PART
    return {
      account: account.name,
      limit: `${limit.toLocaleString('en')} ${metric} a ${period}`,
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
