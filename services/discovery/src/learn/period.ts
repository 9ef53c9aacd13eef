import { PERIOD_MS } from '@sluice/contracts'

/**
 * Infers the length of a limit's window in milliseconds from one response: a minute, an hour or a day. Used capacity
 * flows back evenly, so the window is `resetMs` × `limit` ÷ used. Responses report whole units and count one that has
 * flowed back in part as used, so a response gives a range of lengths. If a single period is in the range, it is that
 * one. If several are, which happens when one unit is used, it is the one that matches if the unit was used just now.
 *
 * Returns undefined when a response does not show the period: nothing is used, all of it is back, or no period fits.
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
/**
 * Providers round, and count requests in progress: an estimate may be off by this factor. Periods differ by factors of
 * 24 and 60.
 */
const TOLERANCE = 1.5

function periodsWithin(leastMs: number, mostMs: number): number[] {
  return PERIODS_MS.filter((periodMs) => periodMs > leastMs && periodMs < mostMs)
}

/** The current belief about the length of a limit's window. */
export interface PeriodBelief {
  /** Milliseconds; absent when unknown. */
  readonly periodMs?: number
  /** By how many votes this period leads, from 0 to {@link MAX_CONFIDENCE}. */
  readonly confidence: number
}

/** The most votes that contradictory responses ever have to outweigh. */
export const MAX_CONFIDENCE = 8

export const NO_BELIEF: PeriodBelief = { confidence: 0 }

/**
 * Returns the belief after one more response, which shows `periodMs` (undefined: it shows none). Each response is a
 * vote, as in the majority vote of Boyer and Moore. A belief is kept until it is outvoted, which takes more than one
 * response.
 * @see https://www.cs.utexas.edu/~moore/best-ideas/mjrty/
 */
export function afterVote(belief: PeriodBelief, periodMs: number | undefined): PeriodBelief {
  if (periodMs === undefined) return belief
  if (belief.periodMs === periodMs) return { periodMs, confidence: Math.min(MAX_CONFIDENCE, belief.confidence + 1) }
  if (belief.periodMs === undefined || belief.confidence === 0) return { periodMs, confidence: 1 }
  return { periodMs: belief.periodMs, confidence: belief.confidence - 1 }
}

/** Weakens the belief when the limit has changed: an account that moves to another tier may get another window, too. */
export function afterLimitChange({ confidence, ...belief }: PeriodBelief): PeriodBelief {
  return { ...belief, confidence: Math.min(1, confidence) }
}
