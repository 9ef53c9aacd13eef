import type { Cost } from '@sluice/contracts'
import {
  advanceObservedBudgets,
  chargeObservedBudgets,
  NO_ALLOWANCES,
  type ObservedBudgets,
  refundObservedBudgets,
} from './observed-budget.ts'
import { areEmpty, chargeAll, emptyWindows, refundAll, slideAll, type Windows } from './window.ts'

/** What was admitted for one model of a connection, and what its provider said of it. Immutable. */
export interface ModelCounters {
  /** Kept for every period whether a limit of it is known or not, so that one learned later knows what was used before. */
  readonly windows: Windows
  readonly observedBudgets: ObservedBudgets
}

/** So many models of a connection are counted at once. Bounds the record's size. */
export const MAX_MODELS = 100

export const NO_COUNTERS: ModelCounters = { windows: emptyWindows(), observedBudgets: NO_ALLOWANCES }

/** The counters at `nowMs`; undefined where nothing of them counts any more. */
export function advanceModel(counters: ModelCounters, nowMs: number): ModelCounters | undefined {
  const windows = slideAll(counters.windows, nowMs)
  const observedBudgets = advanceObservedBudgets(counters.observedBudgets, nowMs)
  if (observedBudgets.size === 0 && areEmpty(windows)) return undefined
  return windows === counters.windows && observedBudgets === counters.observedBudgets
    ? counters
    : { windows, observedBudgets }
}

/** The counters with `cost` charged at `atMs`. */
export function chargeModel({ windows, observedBudgets }: ModelCounters, cost: Cost, atMs: number): ModelCounters {
  return { windows: chargeAll(windows, cost, atMs), observedBudgets: chargeObservedBudgets(observedBudgets, cost) }
}

/** The counters with `cost` taken back from what was charged at `chargedAtMs`. */
export function refundModel(
  { windows, observedBudgets }: ModelCounters,
  cost: Cost,
  chargedAtMs: number,
): ModelCounters {
  return {
    windows: refundAll(windows, cost, chargedAtMs),
    observedBudgets: refundObservedBudgets(observedBudgets, cost, chargedAtMs),
  }
}

/**
 * The models with these counters for one that was used now. Where that is one too many, the one that was used longest ago goes,
 * and one of which no limit is known before all others: a made-up name pushes no real model out.
 */
export function withModel(
  models: ReadonlyMap<string, ModelCounters>,
  model: string,
  counters: ModelCounters,
  isLimited: (model: string) => boolean,
): ReadonlyMap<string, ModelCounters> {
  const next = new Map(models)
  next.delete(model)
  if (next.size >= MAX_MODELS) {
    const [oldest = ''] = next.keys()
    next.delete([...next.keys()].find((other) => !isLimited(other)) ?? oldest)
  }
  return next.set(model, counters)
}
