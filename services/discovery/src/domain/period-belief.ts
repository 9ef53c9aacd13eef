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
