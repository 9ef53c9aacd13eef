/**
 * Counters for each model of a connection that enforces discovered limits, and the limits that its provider reported.
 */
import type { Cost } from '@sluice/contracts'
import {
  advanceBudgets,
  chargeBudgets,
  NO_OBSERVED_BUDGETS,
  type ObservedBudgets,
  refundBudgets,
} from './observed-budget.ts'
import { areEmpty, chargeAll, emptyWindows, refundAll, slideAll, type Windows } from './window.ts'

/** One model's counters. Immutable. */
export interface ModelCounters {
  /** Kept for every period, limited or not, so that a limit learned later applies to earlier use. */
  readonly windows: Windows
  readonly observedBudgets: ObservedBudgets
}

/** The most models that are counted for a connection. Bounds the record's size. */
export const MAX_MODELS = 100

export const NO_COUNTERS: ModelCounters = { windows: emptyWindows(), observedBudgets: NO_OBSERVED_BUDGETS }

/** Returns the counters at `nowMs`, or undefined when nothing in them counts any more. */
export function advanceModel(counters: ModelCounters, nowMs: number): ModelCounters | undefined {
  const windows = slideAll(counters.windows, nowMs)
  const observedBudgets = advanceBudgets(counters.observedBudgets, nowMs)
  if (observedBudgets.size === 0 && areEmpty(windows)) return undefined
  return windows === counters.windows && observedBudgets === counters.observedBudgets
    ? counters
    : { windows, observedBudgets }
}

/** Charges `cost` at `atMs`. */
export function chargeModel({ windows, observedBudgets }: ModelCounters, cost: Cost, atMs: number): ModelCounters {
  return { windows: chargeAll(windows, cost, atMs), observedBudgets: chargeBudgets(observedBudgets, cost) }
}

/** Refunds `cost` of what was charged at `chargedAtMs`. */
export function refundModel(
  { windows, observedBudgets }: ModelCounters,
  cost: Cost,
  chargedAtMs: number,
): ModelCounters {
  return {
    windows: refundAll(windows, cost, chargedAtMs),
    observedBudgets: refundBudgets(observedBudgets, cost, chargedAtMs),
  }
}

/**
 * Sets the counters of a model that is used now. When there are too many models, the one that was used longest ago is
 * dropped; models without a known limit go first, so that a made-up name never pushes out a real model.
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
    const [oldest] = next.keys()
    const dropped = [...next.keys()].find((other) => !isLimited(other)) ?? oldest
    if (dropped !== undefined) next.delete(dropped)
  }
  return next.set(model, counters)
}
