/**
 * Lost charges: how a record that the store rolled back (a power cut, a lost replica) is recognized, and what is
 * counted as used in place of the charges that are missing from it.
 */
import {
  type Cost,
  LONGEST_PERIOD_MS,
  type Metric,
  PERIOD_MS,
  PERMIT_BATCH_MAX_AGE_MS,
  type Period,
  type PermitBatchRequest,
  SPLIT_METRICS,
} from '@sluice/contracts'
import { discoveredFor, type EnforcedLimits, type Limit, type Limits } from './limits.ts'
import { type ModelCounters, NO_COUNTERS } from './model-counters.ts'
import { type AssumedUse, type CapacityRecord, isOver, type RecordVersion } from './record.ts'
import { charge, chargeSlotIndex, slotEndsCountingAtMs, used, type Windows } from './window.ts'

/** A span of the counters' clock, in Unix milliseconds, from which the store may have lost charges. */
export interface LostSpan {
  readonly fromMs: number
  readonly untilMs: number
  /** Whole records may be missing, with everything they counted until `untilMs`. */
  readonly vanished?: true
}

/** Returns the span that covers both. */
export function joinSpans(a: LostSpan | undefined, b: LostSpan | undefined): LostSpan | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const vanished = a.vanished ?? b.vanished
  const span = { fromMs: Math.min(a.fromMs, b.fromMs), untilMs: Math.max(a.untilMs, b.untilMs) }
  return vanished === undefined ? span : { ...span, vanished }
}

/**
 * Returns the part of a suspected span that affects a connection, or undefined when none does.
 *
 * A stored record has everything that was decided until its clock. A missing record was never used, unless whole
 * records may have vanished: then it may have been in use for the whole longest period before the span's end, if its
 * connection existed by then.
 *
 * @param storedClockMs the stored record's clock; undefined when there is no record
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
  return { fromMs: untilMs - LONGEST_PERIOD_MS, untilMs }
}

/**
 * Returns true when the id is a UUID of version 7 (RFC 9562), which begins with its Unix milliseconds, and is later
 * than `atMs`.
 */
function isCreatedAfter(connectionId: string, atMs: number): boolean {
  const [, high, low] = UUID_V7.exec(connectionId) ?? []
  return high !== undefined && low !== undefined && Number.parseInt(high + low, 16) > atMs
}

const UUID_V7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i
/** The connections service takes the time in its ids from its own wall clock. */
const CLOCKS_DIFFER_MS = 300_000

/** Returns true when `version` is behind `newest`. Clock and revision never go back unless the store does. */
export function isOlder(version: RecordVersion, newest: RecordVersion | undefined): boolean {
  if (newest === undefined) return false
  return version.revision < newest.revision || version.record.clockMs < newest.record.clockMs
}

/** Returns true when the store is behind a version seen earlier, and no instance has made up for that loss yet. */
export function isRolledBack(version: RecordVersion, newest: RecordVersion | undefined): boolean {
  if (newest === undefined || !isOlder(version, newest)) return false
  const { loss } = version.record
  return loss === undefined || loss.untilMs < newest.record.clockMs
}

/**
 * Returns true when the record lacks charges: the session knows that one of its batches was stored, the record would
 * still remember that batch and does not, and no loss since then was made up for.
 */
export function lacksCharges(record: CapacityRecord, { gateway, stored }: PermitBatchRequest): boolean {
  if (stored === undefined || record.clockMs - stored.atMs > PERMIT_BATCH_MAX_AGE_MS) return false
  if (record.loss !== undefined && stored.atMs <= record.loss.untilMs) return false
  const session = record.sessions.get(gateway)
  return session === undefined || session.seq < stored.seq
}

/**
 * Makes up for charges that the store lost: counts as used what may have been admitted in the span, charged at its
 * end. In each window that is at most what remained of its limit, and at most what shorter limits let through in the
 * span. A settlement of a lost charge takes its refund from what is assumed.
 *
 * The record must have been advanced to now. A span that ends no later than one already made up for adds nothing.
 */
export function makeUpFor(record: CapacityRecord, limits: EnforcedLimits, span: LostSpan): CapacityRecord {
  if (record.loss !== undefined && record.loss.untilMs >= span.untilMs) return record
  if (isOver(span, record.clockMs)) return record
  const { clockMs } = record
  const whole = assume(record.windows, limits.configured, span, clockMs)
  const models = new Map(record.models)
  for (const model of limits.discovered?.keys() ?? []) {
    const counters: ModelCounters = models.get(model) ?? NO_COUNTERS
    const { windows } = assume(counters.windows, discoveredFor(limits, model, clockMs), span, clockMs)
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
    const remaining = Math.max(0, limit.limit - used(windows[period], metric))
    const amount = Math.min(remaining, ...limits.map((other) => mostAdmittedIn(span, other, limit)))
    if (amount === 0 || endsAtMs <= nowMs) continue
    next = { ...next, [period]: charge(next[period], onlyOf(metric, amount, limits), span.untilMs) }
    assumed.push({ period, metric, amount, endsAtMs })
  }
  return { windows: next, assumed }
}

/** Returns a cost of one metric only. Other limited metrics are zero: what is assumed of them is charged separately. */
function onlyOf(metric: Metric, amount: number, limits: Limits): Cost {
  const cost: Cost = { requests: 0, tokens: 0 }
  for (const split of SPLIT_METRICS) if (limits.some((limit) => limit.metric === split)) cost[split] = 0
  cost[metric] = amount
  return cost
}

/**
 * Returns the most of `limit`'s metric that `other` let through in the span; infinite unless it limits that metric in
 * a shorter period.
 */
function mostAdmittedIn({ fromMs, untilMs }: LostSpan, other: Limit, limit: Limit): number {
  if (other.metric !== limit.metric || !isShorter(other.period, limit.period)) return Number.POSITIVE_INFINITY
  return other.limit * (Math.floor((untilMs - fromMs) / PERIOD_MS[other.period]) + 1)
}

function isShorter(a: Period, b: Period): boolean {
  return PERIOD_MS[a] < PERIOD_MS[b]
}
