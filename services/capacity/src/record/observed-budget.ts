/**
 * Observed budgets: what a provider's latest response says remains of a discovered limit. When others use the same
 * account, that is less than our own count explains, and the limit is lowered until it resets. An observed budget
 * never raises a limit.
 */
import { amountOf, type Cost, METRICS, type Metric, type ModelLimit, PERIOD_MS, type Period } from '@sluice/contracts'
import { chargeSlotIndex, oldestCountingIndex, slotsOf, slotTakesChargesFromMs, used, type Windows } from './window.ts'

/** The latest response's report of one limit, reconciled with what was admitted here. */
export interface ObservedBudget {
  /**
   * When the response arrived, in Unix milliseconds, by the receiving gateway's clock. Only a later response replaces
   * it.
   */
  readonly seenAtMs: number
  /**
   * From this instant, in Unix milliseconds, it lowers nothing, and no older response is fresh enough to be
   * reconciled.
   */
  readonly keptUntilMs: number
  /** Absent when nothing is lowered: no other client uses the account, or the limit has reset since. */
  readonly lowered?: LoweredBudget
}

/** The rest of a limit that others have used too, until it resets. */
export interface LoweredBudget {
  /** How much may still be admitted until `endsAtMs`. May be negative. */
  readonly remaining: number
  /** Unix milliseconds. */
  readonly endsAtMs: number
  /**
   * Charges from this instant on, in Unix milliseconds, were subtracted from `remaining`: refunding one adds it back.
   */
  readonly countedFromMs: number
}

/** Observed budgets by {@link observedBudgetKey}. */
export type ObservedBudgets = ReadonlyMap<string, ObservedBudget>

export const NO_OBSERVED_BUDGETS: ObservedBudgets = new Map()

/** Returns the key of a limit's budget: `<period>-<metric>`. */
export function observedBudgetKey({ period, metric }: { readonly period: Period; readonly metric: Metric }): string {
  return `${period}-${metric}`
}

/**
 * Reconciles what the provider's latest response says remains of `limit` with what was admitted here until it arrived.
 * If the provider counted more, others use the account too: until the limit resets (one period at most), no more is
 * admitted than remained, minus what was admitted since the response. Otherwise our own count says it all.
 *
 * Each response is reconciled once, and never after a later one. It can only be reconciled while it is fresh: later,
 * some of what was admitted before it has slid out. A response whose reset time has passed ends an earlier lowering.
 * Returns the same object when there is nothing new.
 */
export function reconcile(
  observedBudgets: ObservedBudgets,
  windows: Windows,
  limit: ModelLimit,
  nowMs: number,
): ObservedBudgets {
  const { period, metric, remaining, seenAtMs } = limit
  const key = observedBudgetKey(limit)
  const current = observedBudgets.get(key)
  if (remaining === undefined || (current !== undefined && seenAtMs <= current.seenAtMs)) return observedBudgets
  if (seenAtMs - nowMs > MAX_AHEAD_MS) return observedBudgets
  const arrivedAtMs = Math.min(seenAtMs, nowMs)
  const freshUntilMs = seenAtMs + PERIOD_MS[period] / FRESH_PARTS
  const endsAtMs = Math.min(limit.resetAtMs ?? Number.POSITIVE_INFINITY, arrivedAtMs + PERIOD_MS[period])
  if (freshUntilMs <= nowMs)
    return endsAtMs <= nowMs && current !== undefined ? without(observedBudgets, key) : observedBudgets
  const unlowered = { seenAtMs, keptUntilMs: freshUntilMs }
  if (endsAtMs <= nowMs) return new Map(observedBudgets).set(key, unlowered)
  const since = chargedSince(windows, { period, metric }, arrivedAtMs, nowMs)
  const isUsedElsewhere = limit.limit - remaining > used(windows[period], metric) - since.charged
  if (!isUsedElsewhere) return new Map(observedBudgets).set(key, unlowered)
  const lowered = { remaining: remaining - since.charged, endsAtMs, countedFromMs: since.fromMs }
  return new Map(observedBudgets).set(key, { seenAtMs, keptUntilMs: Math.max(freshUntilMs, endsAtMs), lowered })
}

/** Removes what has expired at `nowMs`; returns the same object when nothing has. */
export function advanceBudgets(observedBudgets: ObservedBudgets, nowMs: number): ObservedBudgets {
  let advanced: Map<string, ObservedBudget> | undefined
  for (const [key, { lowered, ...unlowered }] of observedBudgets) {
    const hasReset = lowered !== undefined && lowered.endsAtMs <= nowMs
    if (unlowered.keptUntilMs > nowMs && !hasReset) continue
    advanced ??= new Map(observedBudgets)
    if (unlowered.keptUntilMs > nowMs) advanced.set(key, unlowered)
    else advanced.delete(key)
  }
  return advanced ?? observedBudgets
}

/** Subtracts `cost` from every lowered budget. */
export function chargeBudgets(observedBudgets: ObservedBudgets, cost: Cost): ObservedBudgets {
  return changeRemaining(observedBudgets, ({ remaining }, metric) => remaining - amountOf(cost, metric))
}

/**
 * Adds a refund back to the budgets that its charge was subtracted from. A charge from before the response may or may
 * not be in the provider's count, so that its refund raises nothing.
 */
export function refundBudgets(observedBudgets: ObservedBudgets, cost: Cost, chargedAtMs: number): ObservedBudgets {
  return changeRemaining(observedBudgets, ({ remaining, countedFromMs }, metric) =>
    chargedAtMs < countedFromMs ? remaining : remaining + amountOf(cost, metric),
  )
}

function without(observedBudgets: ObservedBudgets, key: string): ObservedBudgets {
  return new Map([...observedBudgets].filter(([other]) => other !== key))
}

function changeRemaining(
  observedBudgets: ObservedBudgets,
  change: (lowered: LoweredBudget, metric: Metric) => number,
): ObservedBudgets {
  let changed: Map<string, ObservedBudget> | undefined
  for (const [key, observedBudget] of observedBudgets) {
    const { lowered } = observedBudget
    const metric = METRICS.find((each) => key.endsWith(`-${each}`))
    if (lowered === undefined || metric === undefined) continue
    changed ??= new Map(observedBudgets)
    const remaining = change(lowered, metric)
    changed.set(key, { ...observedBudget, lowered: { ...lowered, remaining } })
  }
  return changed ?? observedBudgets
}

/**
 * Returns what was charged after `atMs`, and the instant from which that is complete. Within the last minute the
 * minute's slots are precise to the second; before that, the period's own slots are, which may leave out part of a
 * slot.
 */
function chargedSince(
  windows: Windows,
  { period, metric }: Pick<ModelLimit, 'period' | 'metric'>,
  atMs: number,
  nowMs: number,
): { readonly charged: number; readonly fromMs: number } {
  const chargedIn = (each: Period) => {
    const index = Math.max(chargeSlotIndex(each, atMs) + 1, oldestCountingIndex(each, nowMs))
    const slots = slotsOf(windows[each]).filter((slot) => slot.index >= index)
    return {
      charged: slots.reduce((sum, slot) => sum + amountOf(slot, metric), 0),
      // Charges from now on are subtracted, whichever slot they go to.
      fromMs: Math.min(slotTakesChargesFromMs(each, index), nowMs + 1),
    }
  }
  const [minute, own] = [chargedIn('minute'), chargedIn(period)]
  return own.fromMs < minute.fromMs ? own : minute
}

/** How far a gateway's clock may be ahead. A response from further in the future is ignored. */
const MAX_AHEAD_MS = 5_000
/** A response is fresh for a twelfth of its limit's period: five seconds, five minutes or two hours. */
const FRESH_PARTS = 12
