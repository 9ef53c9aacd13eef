/**
 * Sliding windows: what was charged in the last minute, hour and day, by slot.
 *
 * A period is cut into 60 slots. A charge counts until its whole slot is older than the period, so the sum over the
 * slots never understates the last period, and there is no boundary at which twice the limit could pass.
 */
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

/** Slots in a period: 1 s, 1 min or 24 min each. */
const SLOTS_PER_PERIOD = 60

/** The charges of one slot. `index` counts slots since the Unix epoch. */
export interface Slot extends Cost {
  readonly index: number
}

/**
 * One period's window. Immutable; a charge to the newest slot copies no other slots, so that a batch of permits costs
 * a few small objects each.
 */
export interface Window {
  readonly period: Period
  /** Slots before the newest that may still count, oldest first. */
  readonly older: readonly Slot[]
  /** The sum of `older`. */
  readonly olderTotal: Cost
  /** The latest slot that was charged. */
  readonly newest: Slot
}

/** A window for each period. Every charge goes to all of them. */
export type Windows = Readonly<Record<Period, Window>>

export function emptyWindows(): Windows {
  return { minute: emptyWindow('minute'), hour: emptyWindow('hour'), day: emptyWindow('day') }
}

/** Slides every window to `nowMs`; returns the same object when nothing expired. */
export function slideAll(windows: Windows, nowMs: number): Windows {
  const minute = slide(windows.minute, nowMs)
  const hour = slide(windows.hour, nowMs)
  const day = slide(windows.day, nowMs)
  return minute === windows.minute && hour === windows.hour && day === windows.day ? windows : { minute, hour, day }
}

/** Charges `cost` to every window at `atMs`. */
export function chargeAll({ minute, hour, day }: Windows, cost: Cost, atMs: number): Windows {
  return { minute: charge(minute, cost, atMs), hour: charge(hour, cost, atMs), day: charge(day, cost, atMs) }
}

/** Refunds `cost` in every window that still holds the charge made at `chargedAtMs`. */
export function refundAll({ minute, hour, day }: Windows, cost: Cost, chargedAtMs: number): Windows {
  return {
    minute: refund(minute, cost, chargedAtMs),
    hour: refund(hour, cost, chargedAtMs),
    day: refund(day, cost, chargedAtMs),
  }
}

/** Returns true when nothing counts in any window. */
export function areEmpty(windows: Windows): boolean {
  return Object.values(windows).every(isEmpty)
}

function emptyWindow(period: Period): Window {
  return { period, older: [], olderTotal: NO_COST, newest: EMPTY_SLOT }
}

function slotMs(period: Period): number {
  return PERIOD_MS[period] / SLOTS_PER_PERIOD
}

/**
 * Returns the slot that takes a charge made at `atMs`: the slot that will be current when the request reaches the
 * provider at the latest. Without this slack, a charge in the last millisecond of a slot would count for exactly one
 * period, and a request that travels longer than its successor one period later would be one too many by the
 * provider's clock.
 */
export function chargeSlotIndex(period: Period, atMs: number): number {
  return Math.floor((atMs + DELIVERY_SLACK_MS) / slotMs(period))
}

/** Returns the first instant, in Unix milliseconds, at which charges go to the slot. */
export function slotTakesChargesFromMs(period: Period, index: number): number {
  return index * slotMs(period) - DELIVERY_SLACK_MS
}

/** Returns the oldest slot that still counts at `nowMs`. */
export function oldestCountingIndex(period: Period, nowMs: number): number {
  return Math.floor(nowMs / slotMs(period)) - SLOTS_PER_PERIOD
}

/**
 * Returns the instant, in Unix milliseconds, from which the slot no longer counts: all of it is then older than the
 * period.
 */
export function slotEndsCountingAtMs(period: Period, index: number): number {
  return (index + SLOTS_PER_PERIOD + 1) * slotMs(period)
}

/** Removes the slots that no longer count at `nowMs`; returns the same object when there are none. */
function slide(window: Window, nowMs: number): Window {
  const { period, older, newest } = window
  const isExpired = (slot: Slot) => slotEndsCountingAtMs(period, slot.index) <= nowMs
  const oldest = older[0] ?? newest
  if (oldest === EMPTY_SLOT || !isExpired(oldest)) return window
  return windowOf(
    period,
    [...older, newest].filter((slot) => !isExpired(slot) && !isNothing(slot)),
  )
}

/** Returns the window that holds `slots`, oldest first. */
export function windowOf(period: Period, slots: readonly Slot[]): Window {
  const newest = slots.at(-1)
  if (newest === undefined) return emptyWindow(period)
  const older = slots.slice(0, -1)
  return { period, older, olderTotal: older.reduce(sumOf, NO_COST), newest }
}

/** Returns the slots that hold a charge, oldest first. */
export function slotsOf(window: Window): readonly Slot[] {
  return [...window.older, window.newest].filter((slot) => !isNothing(slot))
}

/** Returns true when nothing counts in the window. */
export function isEmpty({ olderTotal, newest }: Window): boolean {
  return isNothing(olderTotal) && isNothing(newest)
}

/** Returns how much of `metric` counts in a window that was slid to now. */
export function used(window: Window, metric: Metric): number {
  return amountOf(window.olderTotal, metric) + amountOf(window.newest, metric)
}

/** Charges `cost` at `atMs`. */
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

/**
 * Charges a slot before the newest: permits of a distant gateway are charged ahead, and one nearby may follow with an
 * earlier slot.
 */
function chargeOlder(window: Window, index: number, cost: Cost): Window {
  const slots = slotsOf(window)
  const before = slots.filter((slot) => slot.index < index)
  const same = slots.find((slot) => slot.index === index) ?? NO_COST
  const after = slots.filter((slot) => slot.index > index)
  return windowOf(window.period, [...before, { index, ...sumOf(same, cost) }, ...after])
}

/**
 * Refunds `cost` in the slot that was charged at `chargedAtMs`; returns the same object when that slot no longer
 * counts.
 */
function refund(window: Window, cost: Cost, chargedAtMs: number): Window {
  const index = chargeSlotIndex(window.period, chargedAtMs)
  if (index === window.newest.index) return { ...window, newest: { index, ...without(window.newest, cost) } }
  const position = window.older.findIndex((slot) => slot.index === index)
  const slot = window.older[position]
  if (slot === undefined) return window
  return windowOf(window.period, [...window.older.with(position, { index, ...without(slot, cost) }), window.newest])
}

/**
 * Subtracts a cost from a slot, down to zero. A slot that does not split its tokens into input and output stays
 * unsplit: its refund cannot be attributed to either part.
 */
function without(slot: Cost, cost: Cost): Cost {
  const rest: Cost = {
    requests: Math.max(0, slot.requests - cost.requests),
    tokens: Math.max(0, slot.tokens - cost.tokens),
  }
  for (const metric of SPLIT_METRICS) {
    const amount = slot[metric]
    if (amount !== undefined) rest[metric] = Math.max(0, amount - amountOf(cost, metric))
  }
  return rest
}

const EMPTY_SLOT: Slot = { index: 0, ...NO_COST }
