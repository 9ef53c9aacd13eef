/**
 * The limits that a connection's permits are decided by: those configured, and those discovered for each of its
 * models.
 */
import { type CapacityLimit, METRICS, type Metric, type ModelLimit, PERIOD_MS, type Period } from '@sluice/contracts'

/** One limit: at most `limit` of `metric` in any interval as long as `period`. */
export interface Limit {
  readonly period: Period
  readonly metric: Metric
  readonly limit: number
}

export type Limits = readonly Limit[]

/** The limits that are enforced for a connection. */
export interface EnforcedLimits {
  /** Empty: the connection is not limited. */
  readonly configured: Limits
  /**
   * Limits that the provider reported, by model, enforced beside the configured ones. Absent when the connection does
   * not enforce discovered limits: nothing is then counted by model.
   */
  readonly discovered?: ReadonlyMap<string, readonly ModelLimit[]>
}

/** Returns the discovered limits of `model` that are enforced at `nowMs`, in Unix milliseconds. */
export function discoveredFor({ discovered }: EnforcedLimits, model: string, nowMs: number): readonly ModelLimit[] {
  const isEnforced = ({ source, seenAtMs }: ModelLimit) =>
    source !== undefined || nowMs - seenAtMs < DISCOVERED_EXPIRY_MS
  return discovered?.get(model)?.filter(isEnforced) ?? NO_LIMITS
}

/** Returns the limits of a connection's `capacity` entries, shortest period first. Disabled entries are left out. */
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
 * A limit that no response has confirmed for a day may belong to another account or tier by now. Limits with a
 * `source` never appear in responses: they stand until the source is queried again.
 */
const DISCOVERED_EXPIRY_MS = 86_400_000
const NO_LIMITS: readonly ModelLimit[] = []
