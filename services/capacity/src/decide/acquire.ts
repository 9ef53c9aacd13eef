import { amountOf, type Cost, type Denied, type ModelLimit } from '@sluice/contracts'
import { coolDownMs, isTrial, type Pool, withTrial } from '../record/cool-downs.ts'
import { type HeldLimits, type Limit, type Limits, toldOf } from '../record/limits.ts'
import { chargeModel, NO_COUNTERS, withModel } from '../record/model-counters.ts'
import { observedBudgetKey, reconcile } from '../record/observed-budget.ts'
import type { CapacityRecord } from '../record/record.ts'
import { chargeAll, slotEndsCountingAtMs, slotsOf, used, type Windows } from '../record/window.ts'

export type AcquireResult =
  | {
      readonly status: 'granted'
      readonly record: CapacityRecord
      readonly chargedAtMs: number
      /** It is let through to find out whether the provider serves again. */
      readonly isTrial: boolean
    }
  | Denied

/**
 * The record with what the provider's latest answers say of the model weighed, on a record that was advanced to now; the same
 * object where there is nothing new. What is lowered by them stays so, whether or not something is acquired.
 */
export function weighResponses(record: CapacityRecord, { discovered }: HeldLimits, model: string): CapacityRecord {
  const told = discovered?.get(model)
  if (discovered === undefined || told === undefined) return record
  const counters = record.models.get(model) ?? NO_COUNTERS
  let { observedBudgets } = counters
  for (const limit of told) observedBudgets = reconcile(observedBudgets, counters.windows, limit, record.clockMs)
  if (observedBudgets === counters.observedBudgets) return record
  const models = withModel(record.models, model, { ...counters, observedBudgets }, (other) => discovered.has(other))
  return { ...record, models }
}

/** What is asked for, and how. */
export interface AcquireOptions extends Pool {
  readonly cost: Cost
  /** What the provider is expected to count of it against its own limits; absent: the same. */
  readonly limited?: Cost | undefined
  /** Of the request that asks, where the cost is that of several. */
  readonly ownTokens?: number | undefined
  /** By how much the asking instance's clock is behind the record's: the request has to wait for that as well. */
  readonly behindMs: number
  /** By how much later than now the cost is charged, so that it counts for as much longer. */
  readonly chargeLaterMs: number
}

/**
 * Decides whether a cost fits in every window of a record that was advanced to now and has the model's answers weighed, and charges
 * it if so. Pure: returns the new record. A denial charges nothing and names the limit that takes longest to free up.
 */
export function acquire(record: CapacityRecord, limits: HeldLimits, options: AcquireOptions): AcquireResult {
  const { model, cost, limited = cost, ownTokens = cost.tokens } = options
  const told = toldOf(limits, model, record.clockMs)
  const denial =
    tooLarge(limits.configured, cost) ??
    namingModel(model, tooLarge(told, limited)) ??
    firstToWaitFor(record, limits.configured, told, options, ownTokens)
  if (denial !== undefined) return denial
  const chargedAtMs = record.clockMs + options.chargeLaterMs
  const charged = chargeRecord(record, limits, { model, cost, limited }, chargedAtMs)
  if (!isTrial(record.cooldowns, options, ownTokens)) {
    return { status: 'granted', chargedAtMs, record: charged, isTrial: false }
  }
  const cooldowns = withTrial(record.cooldowns, options, ownTokens, record.clockMs)
  return { status: 'granted', chargedAtMs, record: { ...charged, cooldowns }, isTrial: true }
}

/** The record with the cost charged to every window at `atMs`, whatever the limits; `limited` to those of the model. */
export function chargeRecord(
  record: CapacityRecord,
  { discovered }: HeldLimits,
  { model, cost, limited = cost }: Pick<AcquireOptions, 'model' | 'cost' | 'limited'>,
  atMs: number,
): CapacityRecord {
  const windows = chargeAll(record.windows, cost, atMs)
  if (discovered === undefined) return { ...record, windows }
  const counters = chargeModel(record.models.get(model) ?? NO_COUNTERS, limited, atMs)
  return { ...record, windows, models: withModel(record.models, model, counters, (other) => discovered.has(other)) }
}

/** The limit that `cost` exceeds even in an empty window, if there is one. */
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

/** The denial of what takes longest: the pool's cool-down, one of the limits, or one of what the provider tells of the model. */
function firstToWaitFor(
  record: CapacityRecord,
  configured: Limits,
  told: readonly ModelLimit[],
  options: AcquireOptions,
  ownTokens: number,
): Denied | undefined {
  const { model, pool, cost, limited = cost, behindMs } = options
  const { clockMs, windows } = record
  let longestMs = 0
  let denial: Denied | undefined
  const pauseMs = coolDownMs(record.cooldowns, options, ownTokens, clockMs)
  if (pauseMs > longestMs) {
    longestMs = pauseMs
    const retryAfterMs = Math.ceil(pauseMs + behindMs)
    denial = { status: 'denied', code: 'upstream_cooldown', model, ...(pool && { pool }), retryAfterMs }
  }
  for (const limit of configured) {
    const waitMs = fitsAtMs(windows, limit, cost, clockMs) - clockMs
    if (waitMs > longestMs) {
      longestMs = waitMs
      denial = { status: 'denied', code: 'capacity_exceeded', ...limit, retryAfterMs: Math.ceil(waitMs + behindMs) }
    }
  }
  const counters = record.models.get(model) ?? NO_COUNTERS
  for (const limit of told) {
    const { period, metric } = limit
    const lowered = counters.observedBudgets.get(observedBudgetKey(limit))?.lowered
    const raisedAtMs = lowered !== undefined && amountOf(limited, metric) > lowered.left ? lowered.endsAtMs : clockMs
    const waitMs = Math.max(raisedAtMs, fitsAtMs(counters.windows, limit, limited, clockMs)) - clockMs
    if (waitMs > longestMs) {
      longestMs = waitMs
      const retryAfterMs = Math.ceil(waitMs + behindMs)
      denial = { status: 'denied', code: 'capacity_exceeded', period, metric, limit: limit.limit, retryAfterMs, model }
    }
  }
  return denial
}

/** The first instant, Unix milliseconds, at which `cost` fits under `limit` if nothing else is charged until then. */
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
