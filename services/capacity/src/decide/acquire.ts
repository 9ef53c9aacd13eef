/** Decides one acquire: granted and charged to every window, or denied with the limit that takes longest to free up. */
import { amountOf, type Cost, type Denied, type ModelLimit } from '@sluice/contracts'
import { coolDownMs, isTrial, type Pool, withTrial } from '../record/cool-downs.ts'
import { discoveredFor, type EnforcedLimits, type Limit, type Limits } from '../record/limits.ts'
import { chargeModel, NO_COUNTERS, withModel } from '../record/model-counters.ts'
import { observedBudgetKey, reconcile } from '../record/observed-budget.ts'
import type { CapacityRecord } from '../record/record.ts'
import { chargeAll, slotEndsCountingAtMs, slotsOf, used, type Windows } from '../record/window.ts'

export interface AcquireOptions extends Pool {
  readonly cost: Cost
  /** The cost that the provider is expected to count against its own limits; absent: the same as `cost`. */
  readonly limited?: Cost | undefined
  /** The tokens of the request itself, when `cost` is that of several; absent: the tokens of `cost`. */
  readonly ownTokens?: number | undefined
  /** By how much the deciding instance's clock is behind the record's. The request has to wait for that as well. */
  readonly behindMs: number
  /** How far ahead of now the cost is charged, which makes it count for longer. */
  readonly chargeLaterMs: number
}

export type AcquireResult =
  | {
      readonly status: 'granted'
      readonly record: CapacityRecord
      readonly chargedAtMs: number
      /** The request is let through during a cool-down to find out whether the provider serves again. */
      readonly isTrial: boolean
    }
  | Denied

/**
 * Decides whether a cost fits in every window, and charges it if so. All or nothing: a denial charges nothing. The
 * record must have been advanced to now, and its model reconciled.
 */
export function acquire(record: CapacityRecord, limits: EnforcedLimits, options: AcquireOptions): AcquireResult {
  const { model, cost, limited = cost, ownTokens = cost.tokens } = options
  const discovered = discoveredFor(limits, model, record.clockMs)
  const denial =
    tooLarge(limits.configured, cost) ??
    namingModel(model, tooLarge(discovered, limited)) ??
    longestWait(record, limits.configured, discovered, options, ownTokens)
  if (denial !== undefined) return denial
  const chargedAtMs = record.clockMs + options.chargeLaterMs
  const charged = chargeRecord(record, limits, { model, cost, limited }, chargedAtMs)
  if (!isTrial(record.coolDowns, options, ownTokens)) {
    return { status: 'granted', chargedAtMs, record: charged, isTrial: false }
  }
  const coolDowns = withTrial(record.coolDowns, options, ownTokens, record.clockMs)
  return { status: 'granted', chargedAtMs, record: { ...charged, coolDowns }, isTrial: true }
}

/**
 * Reconciles the model's counters with the provider's latest responses, on a record that was advanced to now. A budget
 * that is lowered by that stays lowered whether or not anything is acquired. Returns the same object when there is
 * nothing new.
 */
export function reconcileModel(record: CapacityRecord, { discovered }: EnforcedLimits, model: string): CapacityRecord {
  const limits = discovered?.get(model)
  if (discovered === undefined || limits === undefined) return record
  const counters = record.models.get(model) ?? NO_COUNTERS
  let { observedBudgets } = counters
  for (const limit of limits) observedBudgets = reconcile(observedBudgets, counters.windows, limit, record.clockMs)
  if (observedBudgets === counters.observedBudgets) return record
  const models = withModel(record.models, model, { ...counters, observedBudgets }, (other) => discovered.has(other))
  return { ...record, models }
}

/** Charges `cost` to every window at `atMs`, whatever the limits, and `limited` to the model's. */
export function chargeRecord(
  record: CapacityRecord,
  { discovered }: EnforcedLimits,
  { model, cost, limited = cost }: Pick<AcquireOptions, 'model' | 'cost' | 'limited'>,
  atMs: number,
): CapacityRecord {
  const windows = chargeAll(record.windows, cost, atMs)
  if (discovered === undefined) return { ...record, windows }
  const counters = chargeModel(record.models.get(model) ?? NO_COUNTERS, limited, atMs)
  return { ...record, windows, models: withModel(record.models, model, counters, (other) => discovered.has(other)) }
}

/** Denies a cost that exceeds a limit even in an empty window. */
function tooLarge(limits: Limits, cost: Cost): Denied | undefined {
  for (const { period, metric, limit } of limits) {
    const excess = amountOf(cost, metric) - limit
    if (excess > 0) return { status: 'denied', code: 'request_exceeds_capacity', period, metric, limit, excess }
  }
  return undefined
}

function namingModel(model: string, denial: Denied | undefined): Denied | undefined {
  return denial === undefined ? undefined : { ...denial, model }
}

/**
 * Denies with the longest wait among the pool's cool-down, the configured limits and the model's; undefined when there
 * is no wait.
 */
function longestWait(
  record: CapacityRecord,
  configured: Limits,
  discovered: readonly ModelLimit[],
  options: AcquireOptions,
  ownTokens: number,
): Denied | undefined {
  const { model, pool, cost, limited = cost, behindMs } = options
  const { clockMs, windows } = record
  let longestMs = 0
  let denial: Denied | undefined
  const coolingMs = coolDownMs(record.coolDowns, options, ownTokens, clockMs)
  if (coolingMs > longestMs) {
    longestMs = coolingMs
    const retryAfterMs = Math.ceil(coolingMs + behindMs)
    denial = { status: 'denied', code: 'upstream_cool_down', model, ...(pool && { pool }), retryAfterMs }
  }
  for (const limit of configured) {
    const waitMs = fitsAtMs(windows, limit, cost, clockMs) - clockMs
    if (waitMs > longestMs) {
      longestMs = waitMs
      denial = { status: 'denied', code: 'capacity_exceeded', ...limit, retryAfterMs: Math.ceil(waitMs + behindMs) }
    }
  }
  const counters = record.models.get(model) ?? NO_COUNTERS
  for (const limit of discovered) {
    const { period, metric } = limit
    const lowered = counters.observedBudgets.get(observedBudgetKey(limit))?.lowered
    const isAboveBudget = lowered !== undefined && amountOf(limited, metric) > lowered.remaining
    const budgetFitsAtMs = isAboveBudget ? lowered.endsAtMs : clockMs
    const waitMs = Math.max(budgetFitsAtMs, fitsAtMs(counters.windows, limit, limited, clockMs)) - clockMs
    if (waitMs > longestMs) {
      longestMs = waitMs
      const retryAfterMs = Math.ceil(waitMs + behindMs)
      denial = { status: 'denied', code: 'capacity_exceeded', period, metric, limit: limit.limit, retryAfterMs, model }
    }
  }
  return denial
}

/**
 * Returns the first instant, in Unix milliseconds, at which `cost` fits under `limit` if nothing else is charged until
 * then.
 */
function fitsAtMs(windows: Windows, limit: Limit, cost: Cost, nowMs: number): number {
  const window = windows[limit.period]
  let excess = used(window, limit.metric) + amountOf(cost, limit.metric) - limit.limit
  if (excess <= 0) return nowMs
  let instantMs = nowMs
  for (const slot of slotsOf(window)) {
    excess -= amountOf(slot, limit.metric)
    instantMs = slotEndsCountingAtMs(limit.period, slot.index)
    if (excess <= 0) break
  }
  return instantMs
}
