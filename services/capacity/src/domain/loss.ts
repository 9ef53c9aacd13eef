import { PERIOD_MS, type Period } from '@sluice/contracts'
import { type HeldLimits, type Limit, type Limits, toldOf } from './limits.ts'
import { type ModelCounters, NO_COUNTERS } from './model-counters.ts'
import { type AssumedUse, type CapacityRecord, isOver } from './record.ts'
import { charge, chargeSlotIndex, slotEndsCountingAtMs, used } from './window.ts'
import type { Windows } from './windows.ts'

/** A span of the counters' clock, Unix milliseconds, of which the store may have lost charges. */
export interface LostSpan {
  readonly fromMs: number
  readonly untilMs: number
}

/**
 * Makes up for charges that the store lost (a power cut, a lost replica): counts as used what may have been admitted in the span, at
 * its end, until it has slid out. In no window can that have been more than was left of its limit, nor more than shorter limits
 * let through in the span. A settlement of a lost charge takes its refund from what is assumed.
 *
 * The record must have been advanced to now. A span that ends before one that was made up for already adds nothing.
 */
export function makeUpFor(record: CapacityRecord, limits: HeldLimits, span: LostSpan): CapacityRecord {
  if (record.loss !== undefined && record.loss.untilMs >= span.untilMs) return record
  if (isOver(span, record.clockMs)) return record
  const { clockMs } = record
  const whole = assume(record.windows, limits.configured, span, clockMs)
  const models = new Map(record.models)
  for (const model of limits.discovered?.keys() ?? []) {
    const counters: ModelCounters = models.get(model) ?? NO_COUNTERS
    const { windows } = assume(counters.windows, toldOf(limits, model, clockMs), span, clockMs)
    if (windows !== counters.windows) models.set(model, { ...counters, windows })
  }
  return { ...record, windows: whole.windows, models, loss: { ...span, assumed: whole.assumed } }
}

function assume(windows: Windows, limits: Limits, span: LostSpan, nowMs: number) {
  const assumed: AssumedUse[] = []
  let next = windows
  for (const limit of limits) {
    const { period, metric } = limit
    const endsAtMs = slotEndsCountingAtMs(period, chargeSlotIndex(period, span.untilMs))
    const left = Math.max(0, limit.limit - used(windows[period], metric))
    const amount = Math.min(left, ...limits.map((other) => mostAdmittedIn(span, other, limit)))
    if (amount === 0 || endsAtMs <= nowMs) continue
    const cost = { requests: 0, tokens: 0, [metric]: amount }
    next = { ...next, [period]: charge(next[period], cost, span.untilMs) }
    assumed.push({ period, metric, amount, endsAtMs })
  }
  return { windows: next, assumed }
}

/** The most of `limit`'s metric that `other` let through in the span; no bound where it is of another metric or a longer period. */
function mostAdmittedIn({ fromMs, untilMs }: LostSpan, other: Limit, limit: Limit): number {
  if (other.metric !== limit.metric || !isShorter(other.period, limit.period)) return Number.POSITIVE_INFINITY
  return other.limit * (Math.floor((untilMs - fromMs) / PERIOD_MS[other.period]) + 1)
}

function isShorter(a: Period, b: Period): boolean {
  return PERIOD_MS[a] < PERIOD_MS[b]
}
