import { PERIOD_MS } from '@sluice/contracts'

/**
 * The length of a limit's window in milliseconds, inferred from one answer: a minute, an hour or a day. What was used flows back
 * evenly, so that the window is `resetMs` × `limit` ÷ what is used. Of that, answers tell whole units, a unit that has flowed back in
 * part as one: so the answer tells between which lengths the window is, and if one period alone is among them, it is that. If
 * several are, which is where one unit is used, it is the one that the window is near if the unit was used just now.
 *
 * Undefined where the answer does not tell: nothing is used, all of it is back, or no period fits.
 *
 * @param resetMs until the whole limit is free again, in whole milliseconds, rounded either way
 */
export function inferPeriodMs(limit: number, remaining: number, resetMs: number): number | undefined {
  const used = limit - remaining
  if (used <= 0 || remaining < 0 || resetMs <= 0) return undefined
  const leastMs = ((resetMs - ROUNDING_MS) * limit) / used
  const mostMs = used === 1 ? Number.POSITIVE_INFINITY : ((resetMs + ROUNDING_MS) * limit) / (used - 1)
  const possible = periodsWithin(leastMs / TOLERANCE, mostMs * TOLERANCE)
  if (possible.length === 1) return possible[0]
  if (resetMs <= ROUNDING_MS) return undefined
  const [likely, ...others] = periodsWithin(leastMs / TOLERANCE, ((resetMs + ROUNDING_MS) * limit * TOLERANCE) / used)
  return others.length === 0 ? likely : undefined
}

const PERIODS_MS: readonly number[] = Object.values(PERIOD_MS)
const ROUNDING_MS = 1
/** Providers round, and count what is under way: an estimate may be off by this factor. Periods are apart by 24 and by 60. */
const TOLERANCE = 1.5

function periodsWithin(leastMs: number, mostMs: number): number[] {
  return PERIODS_MS.filter((periodMs) => periodMs > leastMs && periodMs < mostMs)
}

/** What is believed of the length of a limit's window. */
export interface PeriodBelief {
  /** Milliseconds; absent where nothing is known. */
  readonly periodMs?: number
  /** How many more answers have told it than another, from 0 to {@link MAX_CONFIDENCE}. */
  readonly confidence: number
}

/** As much as contradictory answers ever have to outweigh. */
export const MAX_CONFIDENCE = 8

export const NO_BELIEF: PeriodBelief = { confidence: 0 }

/**
 * What is believed once one more answer has told `periodMs` (undefined where it told nothing): each answer is a vote, as in the
 * majority vote of Boyer and Moore. What is believed is kept until it is outvoted, which takes more than one answer.
 * @see https://www.cs.utexas.edu/~moore/best-ideas/mjrty/
 */
export function afterVote(belief: PeriodBelief, periodMs: number | undefined): PeriodBelief {
  if (periodMs === undefined) return belief
  if (belief.periodMs === periodMs) return { periodMs, confidence: Math.min(MAX_CONFIDENCE, belief.confidence + 1) }
  if (belief.periodMs === undefined || belief.confidence === 0) return { periodMs, confidence: 1 }
  return { periodMs: belief.periodMs, confidence: belief.confidence - 1 }
}

/** What is left of it when the limit has become another: an account that moves to another tier may get another window too. */
export function afterLimitChange({ confidence, ...belief }: PeriodBelief): PeriodBelief {
  return { ...belief, confidence: Math.min(1, confidence) }
}
