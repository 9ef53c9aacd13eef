import { type Cost, type Metric, PERIOD_MS, type Period, SPLIT_METRICS } from '@sluice/contracts'
import { type HeldLimits, type Limit, type Limits, toldOf } from './limits.ts'
import { type ModelCounters, NO_COUNTERS } from './model-counters.ts'
import { type AssumedUse, type CapacityRecord, isOver } from './record.ts'
import { charge, chargeSlotIndex, slotEndsCountingAtMs, used, type Windows } from './window.ts'

/** A span of the counters' clock, Unix milliseconds, of which the store may have lost charges. */
export interface LostSpan {
  readonly fromMs: number
  readonly untilMs: number
  /** Whole records may be missing, with all that they counted until `untilMs`. */
  readonly vanished?: true
}

/** The span that covers both. */
export function joinSpans(a: LostSpan | undefined, b: LostSpan | undefined): LostSpan | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const vanished = a.vanished ?? b.vanished
  const span = { fromMs: Math.min(a.fromMs, b.fromMs), untilMs: Math.max(a.untilMs, b.untilMs) }
  return vanished === undefined ? span : { ...span, vanished }
}

/**
 * Returns what of a suspected span concerns a connection; undefined where nothing does.
 *
 * A record that is there holds all that was decided until its clock. One that is not there may have been used all the day before the
 * span's end where whole records may be missing, unless its connection was made later; elsewhere, it has never been.
 * @param storedClockMs the clock of the record as it is stored; undefined where there is none
 */
export function spanOf(
  suspected: LostSpan,
  connectionId: string,
  storedClockMs: number | undefined,
): LostSpan | undefined {
  const { fromMs, untilMs } = suspected
  if (storedClockMs !== undefined) {
    return storedClockMs > untilMs ? undefined : { fromMs: Math.max(fromMs, storedClockMs), untilMs }
  }
  if (suspected.vanished !== true || isCreatedAfter(connectionId, untilMs + CLOCKS_DIFFER_MS)) return undefined
  return { fromMs: untilMs - PERIOD_MS.day, untilMs }
}

/** Whether the id says that it was made later: those of connections are UUIDs of version 7, which begin with their Unix milliseconds. */
function isCreatedAfter(connectionId: string, atMs: number): boolean {
  const [, high, low] = UUID_V7.exec(connectionId) ?? []
  return high !== undefined && low !== undefined && Number.parseInt(high + low, 16) > atMs
}

const UUID_V7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i
/** The connections service takes the ids' time from its own wall clock. */
const CLOCKS_DIFFER_MS = 300_000

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
  const { fromMs, untilMs } = span
  return { ...record, windows: whole.windows, models, loss: { fromMs, untilMs, assumed: whole.assumed } }
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
    next = { ...next, [period]: charge(next[period], onlyOf(metric, amount, limits), span.untilMs) }
    assumed.push({ period, metric, amount, endsAtMs })
  }
  return { windows: next, assumed }
}

/** So much of one metric and nothing of the others that are limited: what is assumed of those is charged by itself. */
function onlyOf(metric: Metric, amount: number, limits: Limits): Cost {
  const cost: Cost = { requests: 0, tokens: 0 }
  for (const split of SPLIT_METRICS) if (limits.some((limit) => limit.metric === split)) cost[split] = 0
  cost[metric] = amount
  return cost
}

/** The most of `limit`'s metric that `other` let through in the span; no bound where it is of another metric or a longer period. */
function mostAdmittedIn({ fromMs, untilMs }: LostSpan, other: Limit, limit: Limit): number {
  if (other.metric !== limit.metric || !isShorter(other.period, limit.period)) return Number.POSITIVE_INFINITY
  return other.limit * (Math.floor((untilMs - fromMs) / PERIOD_MS[other.period]) + 1)
}

function isShorter(a: Period, b: Period): boolean {
  return PERIOD_MS[a] < PERIOD_MS[b]
}
