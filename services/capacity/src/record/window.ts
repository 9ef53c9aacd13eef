import {
  amountOf,
  type Cost,
  costOf,
  DELIVERY_SLACK_MS,
  isNothing,
  type Metric,
  NO_COST,
  PERIOD_MS,
  type Period,
  SPLIT_METRICS,
  sumOf,
} from '@sluice/contracts'

/** Slots a period is cut into: 1 s, 1 min, 24 min. */
export const SLOTS_PER_PERIOD = 60

/** What was charged in one slot. `index` counts slots since the Unix epoch. */
export interface Slot extends Cost {
  readonly index: number
}

/**
 * A sliding window: what was charged, by slot, for as long as it counts. Immutable; charging the newest slot copies no slots, so
 * that a batch of permits costs a few small objects each.
 */
export interface Window {
  readonly period: Period
  /** Slots before the newest that may still count, oldest first. */
  readonly older: readonly Slot[]
  /** The sum of `older`. */
  readonly olderTotal: Cost
  /** The slot charged last. */
  readonly newest: Slot
}

export function emptyWindow(period: Period): Window {
  return { period, older: [], olderTotal: NO_COST, newest: EMPTY_SLOT }
}

export function slotMs(period: Period): number {
  return PERIOD_MS[period] / SLOTS_PER_PERIOD
}

/**
 * The slot that a charge at `atMs` goes to: the one that will be current when the request reaches the provider at the latest.
 * Without the slack, a charge in a slot's last millisecond would count for one period exactly, and a request that takes longer
 * to the provider than its successor a period later would be one too many by the provider's clock.
 */
export function chargeSlotIndex(period: Period, atMs: number): number {
  return Math.floor((atMs + DELIVERY_SLACK_MS) / slotMs(period))
}

/** The first instant, Unix milliseconds, at which a charge goes to the slot. */
export function slotTakesChargesFromMs(period: Period, index: number): number {
  return index * slotMs(period) - DELIVERY_SLACK_MS
}

/** The oldest slot that still counts at `nowMs`. */
export function oldestCountingIndex(period: Period, nowMs: number): number {
  return Math.floor(nowMs / slotMs(period)) - SLOTS_PER_PERIOD
}

/** The first instant, Unix milliseconds, at which the slot counts no more: when all of it is older than the period. */
export function slotEndsCountingAtMs(period: Period, index: number): number {
  return (index + SLOTS_PER_PERIOD + 1) * slotMs(period)
}

/** The window without the slots that no longer count at `nowMs`; the same object when there are none. */
export function slide(window: Window, nowMs: number): Window {
  const { period, older, newest } = window
  const expired = (slot: Slot) => slotEndsCountingAtMs(period, slot.index) <= nowMs
  const oldest = older[0] ?? newest
  if (oldest === EMPTY_SLOT || !expired(oldest)) return window
  return windowOf(
    period,
    [...older, newest].filter((slot) => !expired(slot) && !isNothing(slot)),
  )
}

/** The window that holds these slots, oldest first. */
export function windowOf(period: Period, slots: readonly Slot[]): Window {
  const newest = slots.at(-1)
  if (newest === undefined) return emptyWindow(period)
  const older = slots.slice(0, -1)
  return { period, older, olderTotal: older.reduce(sumOf, NO_COST), newest }
}

/** All slots that hold something, oldest first. */
export function slotsOf(window: Window): readonly Slot[] {
  return [...window.older, window.newest].filter((slot) => !isNothing(slot))
}

/** Whether nothing counts in the window. */
export function isEmpty({ olderTotal, newest }: Window): boolean {
  return isNothing(olderTotal) && isNothing(newest)
}

/** What counts in the window, once it has been slid to now. */
export function used(window: Window, metric: Metric): number {
  return amountOf(window.olderTotal, metric) + amountOf(window.newest, metric)
}

/** The window with `cost` charged at `atMs`. */
export function charge(window: Window, cost: Cost, atMs: number): Window {
  const index = chargeSlotIndex(window.period, atMs)
  const { newest } = window
  if (index === newest.index) return { ...window, newest: { index, ...sumOf(newest, cost) } }
  if (index < newest.index) return chargeOlder(window, index, cost)
  if (isNothing(newest)) return { ...window, newest: { index, ...costOf(cost) } }
  return {
    period: window.period,
    older: [...window.older, newest],
    olderTotal: sumOf(window.olderTotal, newest),
    newest: { index, ...costOf(cost) },
  }
}

/** A gateway far from its counters is charged later than it asks; one nearby may follow with an earlier slot. */
function chargeOlder(window: Window, index: number, cost: Cost): Window {
  const slots = slotsOf(window)
  const before = slots.filter((slot) => slot.index < index)
  const same = slots.find((slot) => slot.index === index) ?? NO_COST
  const after = slots.filter((slot) => slot.index > index)
  return windowOf(window.period, [...before, { index, ...sumOf(same, cost) }, ...after])
}

/** The window with `cost` taken back from what was charged at `chargedAtMs`; as it is where that slot counts no more. */
export function refund(window: Window, cost: Cost, chargedAtMs: number): Window {
  const index = chargeSlotIndex(window.period, chargedAtMs)
  if (index === window.newest.index) return { ...window, newest: { index, ...without(window.newest, cost) } }
  const position = window.older.findIndex((slot) => slot.index === index)
  const slot = window.older[position]
  if (slot === undefined) return window
  return windowOf(window.period, [...window.older.with(position, { index, ...without(slot, cost) }), window.newest])
}

/**
 * What is left of a slot's charges. Where the slot does not tell input and output apart, neither does what is left: that much of `tokens`
 * was neither refunded as the one nor as the other.
 */
function without(slot: Cost, cost: Cost): Cost {
  const left: Cost = {
    requests: Math.max(0, slot.requests - cost.requests),
    tokens: Math.max(0, slot.tokens - cost.tokens),
  }
  for (const metric of SPLIT_METRICS) {
    const amount = slot[metric]
    if (amount !== undefined) left[metric] = Math.max(0, amount - amountOf(cost, metric))
  }
  return left
}

const EMPTY_SLOT: Slot = { index: 0, ...NO_COST }

/** One window for every period: what is charged is charged to each. */
export type Windows = Readonly<Record<Period, Window>>

export function emptyWindows(): Windows {
  return { minute: emptyWindow('minute'), hour: emptyWindow('hour'), day: emptyWindow('day') }
}

/** Each window as {@link slide} leaves it; the same object where nothing slid out of any. */
export function slideAll(windows: Windows, nowMs: number): Windows {
  const minute = slide(windows.minute, nowMs)
  const hour = slide(windows.hour, nowMs)
  const day = slide(windows.day, nowMs)
  return minute === windows.minute && hour === windows.hour && day === windows.day ? windows : { minute, hour, day }
}

/** The windows with `cost` charged to each at `atMs`. */
export function chargeAll({ minute, hour, day }: Windows, cost: Cost, atMs: number): Windows {
  return { minute: charge(minute, cost, atMs), hour: charge(hour, cost, atMs), day: charge(day, cost, atMs) }
}

/** The windows with `cost` taken back from each that still holds what was charged at `chargedAtMs`. */
export function refundAll({ minute, hour, day }: Windows, cost: Cost, chargedAtMs: number): Windows {
  return {
    minute: refund(minute, cost, chargedAtMs),
    hour: refund(hour, cost, chargedAtMs),
    day: refund(day, cost, chargedAtMs),
  }
}

/** Whether nothing counts in any of them. */
export function areEmpty({ minute, hour, day }: Windows): boolean {
  return [minute, hour, day].every(isEmpty)
}
