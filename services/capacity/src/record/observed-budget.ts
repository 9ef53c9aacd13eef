import { amountOf, type Cost, METRICS, type Metric, type ModelLimit, PERIOD_MS, type Period } from '@sluice/contracts'
import { chargeSlotIndex, oldestCountingIndex, slotsOf, slotTakesChargesFromMs, used, type Windows } from './window.ts'

/** What the latest answer of the provider says of one limit, once it has been weighed against what was admitted here. */
export interface ObservedBudget {
  /** When the answer came, Unix milliseconds, by the clock of the gateway that it came to. Only a later one takes its place. */
  readonly seenAtMs: number
  /** From this instant on, Unix milliseconds, it lowers nothing, and no older answer can be weighed any more. */
  readonly keptUntilMs: number
  /** Absent where nothing is lowered: nobody else uses the account, or the limit has reset since. */
  readonly lowered?: LoweredLimit
}

/** A limit that others have used too, until it resets. */
export interface LoweredLimit {
  /** How much may still be admitted until `endsAtMs`, Unix milliseconds. */
  readonly left: number
  readonly endsAtMs: number
  /** What was charged from this instant on, Unix milliseconds, was taken off `left`: a refund of it gives it back. */
  readonly countedFromMs: number
}

/** By limit, as `<period>-<metric>`. */
export type ObservedBudgets = ReadonlyMap<string, ObservedBudget>

export const NO_ALLOWANCES: ObservedBudgets = new Map()

export function observedBudgetKey({ period, metric }: { readonly period: Period; readonly metric: Metric }): string {
  return `${period}-${metric}`
}

/**
 * Weighs what the provider's latest answer says is left of `limit` against what was admitted here until it came. If the provider
 * has counted more than that, others use the account too: then no more is admitted than was left, less what was admitted since
 * the answer came, until the limit resets, at most one period. Otherwise what was admitted here says it all already. Each
 * answer is weighed once, and none after a later one; the same object where there is nothing new to weigh.
 *
 * An answer can only be weighed while it is fresh: later, part of what was admitted before it has slid out. One that tells of a
 * reset which has passed by now ends what an earlier one left.
 */
export function reconcile(
  observedBudgets: ObservedBudgets,
  windows: Windows,
  limit: ModelLimit,
  nowMs: number,
): ObservedBudgets {
  const { period, metric, remaining, seenAtMs } = limit
  const key = observedBudgetKey(limit)
  const standing = observedBudgets.get(key)
  if (remaining === undefined || (standing !== undefined && seenAtMs <= standing.seenAtMs)) return observedBudgets
  if (seenAtMs - nowMs > MAX_AHEAD_MS) return observedBudgets
  const cameAtMs = Math.min(seenAtMs, nowMs)
  const freshUntilMs = seenAtMs + PERIOD_MS[period] / FRESH_PARTS
  const endsAtMs = Math.min(limit.resetAtMs ?? Number.POSITIVE_INFINITY, cameAtMs + PERIOD_MS[period])
  if (freshUntilMs <= nowMs)
    return endsAtMs <= nowMs && standing !== undefined ? without(observedBudgets, key) : observedBudgets
  const unlowered = { seenAtMs, keptUntilMs: freshUntilMs }
  if (endsAtMs <= nowMs) return new Map(observedBudgets).set(key, unlowered)
  const since = chargedSince(windows, { period, metric }, cameAtMs, nowMs)
  const isUsedElsewhere = limit.limit - remaining > used(windows[period], metric) - since.charged
  if (!isUsedElsewhere) return new Map(observedBudgets).set(key, unlowered)
  const lowered = { left: remaining - since.charged, endsAtMs, countedFromMs: since.fromMs }
  return new Map(observedBudgets).set(key, { seenAtMs, keptUntilMs: Math.max(freshUntilMs, endsAtMs), lowered })
}

/** The allowances as they are at `nowMs`; the same object where all still say what they said. */
export function advanceObservedBudgets(observedBudgets: ObservedBudgets, nowMs: number): ObservedBudgets {
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

export function chargeObservedBudgets(observedBudgets: ObservedBudgets, cost: Cost): ObservedBudgets {
  return changeLeft(observedBudgets, ({ left }, metric) => left - amountOf(cost, metric))
}

/** What was charged before an answer came is in the provider's count or not, who knows: its refund raises nothing. */
export function refundObservedBudgets(
  observedBudgets: ObservedBudgets,
  cost: Cost,
  chargedAtMs: number,
): ObservedBudgets {
  return changeLeft(observedBudgets, ({ left, countedFromMs }, metric) =>
    chargedAtMs < countedFromMs ? left : left + amountOf(cost, metric),
  )
}

function without(observedBudgets: ObservedBudgets, key: string): ObservedBudgets {
  return new Map([...observedBudgets].filter(([other]) => other !== key))
}

function changeLeft(
  observedBudgets: ObservedBudgets,
  change: (lowered: LoweredLimit, metric: Metric) => number,
): ObservedBudgets {
  let changed: Map<string, ObservedBudget> | undefined
  for (const [key, observedBudget] of observedBudgets) {
    const { lowered } = observedBudget
    const metric = METRICS.find((each) => key.endsWith(`-${each}`))
    if (lowered === undefined || metric === undefined) continue
    changed ??= new Map(observedBudgets)
    const left = change(lowered, metric)
    changed.set(key, { ...observedBudget, lowered: { ...lowered, left } })
  }
  return changed ?? observedBudgets
}

/**
 * What was charged after `atMs`, and from when on that is everything. A minute's slots tell it to the second, for a minute; from
 * then on those of the period itself, which may leave out part of a slot.
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
      // What is charged from now on is taken off, whichever slot it goes to.
      fromMs: Math.min(slotTakesChargesFromMs(each, index), nowMs + 1),
    }
  }
  const [minute, own] = [chargedIn('minute'), chargedIn(period)]
  return own.fromMs < minute.fromMs ? own : minute
}

/** A gateway's clock may be ahead by as much. What it tells from later on has no place in time here. */
const MAX_AHEAD_MS = 5_000
/** An answer is fresh for a twelfth of its period: five seconds, five minutes, two hours. */
const FRESH_PARTS = 12
