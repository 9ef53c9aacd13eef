import { type Cost, type Metric, type ModelLimit, PERIOD_MS, type Period } from '@sluice/contracts'
import { chargeSlotIndex, slotsOf, used, type Window } from './window.ts'
import type { Windows } from './windows.ts'

/** What one answer of the provider left of one limit, once it has been weighed against what was admitted here. */
export interface Allowance {
  /** When the answer came, Unix milliseconds, by the clock of the gateway that it came to. Only a later one takes its place. */
  readonly seenAtMs: number
  /** From this instant on it says nothing any more, Unix milliseconds. */
  readonly endsAtMs: number
  /** How much may still be admitted until then; absent where the account is used by nobody else, and nothing is lowered. */
  readonly left?: number
}

/** By limit, as `<period>-<metric>`. */
export type Allowances = ReadonlyMap<string, Allowance>

export const NO_ALLOWANCES: Allowances = new Map()

export function allowanceKey({ period, metric }: { readonly period: Period; readonly metric: Metric }): string {
  return `${period}-${metric}`
}

/**
 * Weighs what the provider's latest answer says is left of `limit` against what was admitted here until it came. If the provider
 * has counted more than that, others use the account too: then no more is admitted than was left, less what was admitted since
 * the answer came, until the limit resets, at most one period. Otherwise what was admitted here says it all already. Each
 * answer is weighed once; the same object where there is nothing new to weigh.
 *
 * An answer can only be weighed while it is fresh: later, part of what was admitted before it has slid out. One that tells of a
 * reset which has passed by now ends what an earlier one left.
 */
export function weigh(allowances: Allowances, windows: Windows, limit: ModelLimit, nowMs: number): Allowances {
  const { period, metric, remaining, seenAtMs } = limit
  const key = allowanceKey(limit)
  if (remaining === undefined || seenAtMs <= (allowances.get(key)?.seenAtMs ?? Number.NEGATIVE_INFINITY)) {
    return allowances
  }
  const cameAtMs = Math.min(seenAtMs, nowMs)
  const endsAtMs = Math.min(limit.resetAtMs ?? Number.POSITIVE_INFINITY, cameAtMs + PERIOD_MS[period])
  if (seenAtMs - nowMs > MAX_AHEAD_MS) return allowances
  if (endsAtMs <= nowMs) return without(allowances, key)
  if (nowMs - cameAtMs > PERIOD_MS[period] / FRESH_PARTS) return allowances
  const since = chargedSince(windows, period, metric, cameAtMs)
  const before = used(windows[period], metric) - since
  const isUsedElsewhere = limit.limit - remaining > before
  const allowance = { seenAtMs, endsAtMs, ...(isUsedElsewhere ? { left: remaining - since } : {}) }
  return new Map(allowances).set(key, allowance)
}

/** The allowances that still say something; the same object where all do. */
export function advanceAllowances(allowances: Allowances, nowMs: number): Allowances {
  for (const { endsAtMs } of allowances.values()) {
    if (endsAtMs <= nowMs) return new Map([...allowances].filter(([, each]) => each.endsAtMs > nowMs))
  }
  return allowances
}

export function chargeAllowances(allowances: Allowances, cost: Cost): Allowances {
  return changeLeft(allowances, ({ left = 0 }, metric) => left - cost[metric])
}

/** What was charged before an answer came is in the provider's count or not, who knows: its refund raises nothing. */
export function refundAllowances(allowances: Allowances, cost: Cost, chargedAtMs: number): Allowances {
  return changeLeft(allowances, ({ left = 0, seenAtMs }, metric) =>
    isSince(chargedAtMs, seenAtMs) ? left + cost[metric] : left,
  )
}

function without(allowances: Allowances, key: string): Allowances {
  return allowances.has(key) ? new Map([...allowances].filter(([other]) => other !== key)) : allowances
}

function changeLeft(allowances: Allowances, change: (allowance: Allowance, metric: Metric) => number): Allowances {
  let changed: Map<string, Allowance> | undefined
  for (const [key, allowance] of allowances) {
    if (allowance.left === undefined) continue
    changed ??= new Map(allowances)
    changed.set(key, { ...allowance, left: change(allowance, key.endsWith('requests') ? 'requests' : 'tokens') })
  }
  return changed ?? allowances
}

/**
 * What was charged after `atMs`. A minute's slots tell it to the second, for a minute; from then on those of the period itself,
 * which may leave out part of a slot.
 */
function chargedSince(windows: Windows, period: Period, metric: Metric, atMs: number): number {
  return Math.max(sumSince(windows.minute, metric, atMs), sumSince(windows[period], metric, atMs))
}

function sumSince(window: Window, metric: Metric, atMs: number): number {
  const index = chargeSlotIndex(window.period, atMs)
  return slotsOf(window).reduce((sum, slot) => (slot.index > index ? sum + slot[metric] : sum), 0)
}

/** Whether a charge is in a later slot of the minute than `atMs`, as {@link sumSince} counts it. */
function isSince(chargedAtMs: number, atMs: number): boolean {
  return chargeSlotIndex('minute', chargedAtMs) > chargeSlotIndex('minute', atMs)
}

/** A gateway's clock may be ahead by as much. What it tells from later on has no place in time here. */
const MAX_AHEAD_MS = 5_000
/** An answer is fresh for a twelfth of its period: five seconds, five minutes, two hours. */
const FRESH_PARTS = 12
