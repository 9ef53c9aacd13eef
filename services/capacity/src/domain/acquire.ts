import type { Cost, Denied, ModelLimit } from '@sluice/contracts'
import { allowanceKey, weigh } from './allowance.ts'
import { type HeldLimits, type Limit, type Limits, toldOf } from './limits.ts'
import { chargeModel, NO_COUNTERS, withModel } from './model-counters.ts'
import { advance, type CapacityRecord } from './record.ts'
import { slotEndsCountingAtMs, slotsOf, used } from './window.ts'
import { chargeAll, type Windows } from './windows.ts'

export type AcquireResult =
  | { readonly status: 'granted'; readonly record: CapacityRecord; readonly chargedAtMs: number }
  | Denied

/**
 * Decides whether `cost` fits in every window at `nowMs` (Unix milliseconds) and charges it if so.
 * Pure: returns the new record, leaves `record` as it was. A denial charges nothing and names the
 * limit that takes longest to free up.
 */
export function acquire(
  record: CapacityRecord,
  limits: HeldLimits,
  model: string,
  cost: Cost,
  nowMs: number,
): AcquireResult {
  const now = advance(record, nowMs)
  return acquireNow(weighAnswers(now, limits, model), limits, model, cost, now.clockMs - nowMs)
}

/**
 * The record with what the provider's latest answers say of the model weighed, on a record that was advanced to now; the same
 * object where there is nothing new. What is lowered by them stays so, whether or not something is acquired.
 */
export function weighAnswers(record: CapacityRecord, { discovered }: HeldLimits, model: string): CapacityRecord {
  const told = discovered?.get(model)
  if (discovered === undefined || told === undefined) return record
  const counters = record.models.get(model) ?? NO_COUNTERS
  let { allowances } = counters
  for (const limit of told) allowances = weigh(allowances, counters.windows, limit, record.clockMs)
  if (allowances === counters.allowances) return record
  const models = withModel(record.models, model, { ...counters, allowances }, (other) => discovered.has(other))
  return { ...record, models }
}

/**
 * As {@link acquire}, on a record that was advanced to now and has the model's answers weighed: for a batch, which is advanced
 * once.
 * @param behindMs by how much the caller's clock is behind the record's: it has to wait for that as well
 */
export function acquireNow(
  record: CapacityRecord,
  limits: HeldLimits,
  model: string,
  cost: Cost,
  behindMs: number,
): AcquireResult {
  const { configured, discovered } = limits
  const told = toldOf(limits, model, record.clockMs)
  const denial =
    tooLarge(configured, cost) ??
    namingModel(model, tooLarge(told, cost)) ??
    firstToWaitFor(record, configured, told, model, cost, behindMs)
  if (denial !== undefined) return denial
  const { clockMs, windows, models } = record
  const charged = { ...record, windows: chargeAll(windows, cost, clockMs) }
  if (discovered === undefined) return { status: 'granted', chargedAtMs: clockMs, record: charged }
  const counters = chargeModel(models.get(model) ?? NO_COUNTERS, cost, clockMs)
  const counted = withModel(models, model, counters, (other) => discovered.has(other))
  return { status: 'granted', chargedAtMs: clockMs, record: { ...charged, models: counted } }
}

/** The limit that `cost` exceeds even in an empty window, if there is one. */
function tooLarge(limits: Limits, cost: Cost): Denied | undefined {
  for (const { period, metric, limit } of limits) {
    const excess = cost[metric] - limit
    if (excess > 0) return { status: 'denied', code: 'request_exceeds_capacity', period, metric, limit, excess }
  }
  return undefined
}

function namingModel(model: string, denial: Denied | undefined): Denied | undefined {
  return denial === undefined ? undefined : { ...denial, model }
}

/** The denial of what takes longest: the model's cool-down, one of the limits, or one of what the provider tells of the model. */
function firstToWaitFor(
  record: CapacityRecord,
  configured: Limits,
  told: readonly ModelLimit[],
  model: string,
  cost: Cost,
  behindMs: number,
): Denied | undefined {
  const { clockMs, windows } = record
  let longestMs = 0
  let denial: Denied | undefined
  const coolDownMs = (record.cooldowns.get(model) ?? 0) - clockMs
  if (coolDownMs > longestMs) {
    longestMs = coolDownMs
    denial = { status: 'denied', code: 'upstream_cooldown', model, retryAfterMs: Math.ceil(coolDownMs + behindMs) }
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
    const lowered = counters.allowances.get(allowanceKey(limit))?.lowered
    const raisedAtMs = lowered !== undefined && cost[metric] > lowered.left ? lowered.endsAtMs : clockMs
    const waitMs = Math.max(raisedAtMs, fitsAtMs(counters.windows, limit, cost, clockMs)) - clockMs
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
  let excess = used(window, limit.metric) + cost[limit.metric] - limit.limit
  if (excess <= 0) return nowMs
  let instantMs = nowMs
  for (const slot of slotsOf(window)) {
    excess -= slot[limit.metric]
    instantMs = slotEndsCountingAtMs(limit.period, slot.index)
    if (excess <= 0) break
  }
  return instantMs
}
