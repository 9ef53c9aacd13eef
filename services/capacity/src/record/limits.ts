import { type CapacityLimit, METRICS, type Metric, type ModelLimit, PERIOD_MS, type Period } from '@sluice/contracts'

/** One limit: at most `limit` of `metric` in any interval as long as `period`. */
export interface Limit {
  readonly period: Period
  readonly metric: Metric
  readonly limit: number
}

/** Every limit of a connection; none: it is not limited. */
export type Limits = readonly Limit[]

/** What a connection is held to. */
export interface HeldLimits {
  readonly configured: Limits
  /**
   * What its provider tells of each model, held as well: the lower of both. Absent where the connection does not ask for that,
   * which then counts nothing for each model.
   */
  readonly discovered?: ReadonlyMap<string, readonly ModelLimit[]>
}

/** What the provider tells of the model and is held at `nowMs`, Unix milliseconds. */
export function toldOf({ discovered }: HeldLimits, model: string, nowMs: number): readonly ModelLimit[] {
  const isHeld = ({ source, seenAtMs }: ModelLimit) => source !== undefined || nowMs - seenAtMs < TOLD_FOR_MS
  return discovered?.get(model)?.filter(isHeld) ?? NOTHING_TOLD
}

/** The limits that a connection's `capacity` entries stand for, disabled entries left out. */
export function limitsOf(capacity: readonly CapacityLimit[]): Limits {
  return capacity
    .filter((entry) => entry.enabled !== false)
    .flatMap((entry) =>
      METRICS.flatMap((metric): Limit[] => {
        const limit = entry[metric]
        return limit === undefined ? [] : [{ period: entry.period, metric, limit }]
      }),
    )
    .sort((a, b) => PERIOD_MS[a.period] - PERIOD_MS[b.period])
}

/**
 * What no answer has confirmed for a day may be another account's by now, or another tier's: it is held no longer. What answers never
 * tell stands until it is asked for again.
 */
const TOLD_FOR_MS = 86_400_000
const NOTHING_TOLD: readonly ModelLimit[] = []
