import type { Cost, Denied } from '@sluice/contracts'
import type { Limit, Limits } from './limits.ts'
import { advance, type CapacityRecord } from './record.ts'
import { charge, slotEndsCountingAtMs, slotsOf, used } from './window.ts'

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
  limits: Limits,
  model: string,
  cost: Cost,
  nowMs: number,
): AcquireResult {
  const now = advance(record, nowMs)
  return acquireNow(now, limits, model, cost, now.clockMs - nowMs)
}

/**
 * As {@link acquire}, on a record that was advanced to now: for a batch, which is advanced once.
 * @param behindMs by how much the caller's clock is behind the record's: it has to wait for that as well
 */
export function acquireNow(
  record: CapacityRecord,
  limits: Limits,
  model: string,
  cost: Cost,
  behindMs: number,
): AcquireResult {
  const denial = tooLarge(limits, cost) ?? firstToWaitFor(record, limits, model, cost, behindMs)
  if (denial !== undefined) return denial
  const { clockMs, windows } = record
  return {
    status: 'granted',
    chargedAtMs: clockMs,
    record: {
      ...record,
      windows: {
        minute: charge(windows.minute, cost, clockMs),
        hour: charge(windows.hour, cost, clockMs),
        day: charge(windows.day, cost, clockMs),
      },
    },
  }
}

/** The limit that `cost` exceeds even in an empty window, if there is one. */
function tooLarge(limits: Limits, cost: Cost): Denied | undefined {
  for (const { period, metric, limit } of limits) {
    const excess = cost[metric] - limit
    if (excess > 0) return { status: 'denied', code: 'request_exceeds_capacity', period, metric, limit, excess }
  }
  return undefined
}

/** The denial of what takes longest: the model's cool-down or one of the limits. */
function firstToWaitFor(
  record: CapacityRecord,
  limits: Limits,
  model: string,
  cost: Cost,
  behindMs: number,
): Denied | undefined {
  let longestMs = 0
  let denial: Denied | undefined
  const coolDownMs = (record.cooldowns.get(model) ?? 0) - record.clockMs
  if (coolDownMs > longestMs) {
    longestMs = coolDownMs
    denial = { status: 'denied', code: 'upstream_cooldown', model, retryAfterMs: Math.ceil(coolDownMs + behindMs) }
  }
  for (const limit of limits) {
    const waitMs = fitsAtMs(record, limit, cost) - record.clockMs
    if (waitMs > longestMs) {
      longestMs = waitMs
      denial = { status: 'denied', code: 'capacity_exceeded', ...limit, retryAfterMs: Math.ceil(waitMs + behindMs) }
    }
  }
  return denial
}

/** The first instant, Unix milliseconds, at which `cost` fits under `limit` if nothing else is charged until then. */
function fitsAtMs(record: CapacityRecord, limit: Limit, cost: Cost): number {
  const window = record.windows[limit.period]
  let excess = used(window, limit.metric) + cost[limit.metric] - limit.limit
  if (excess <= 0) return record.clockMs
  let instantMs = record.clockMs
  for (const slot of slotsOf(window)) {
    excess -= slot[limit.metric]
    instantMs = slotEndsCountingAtMs(limit.period, slot.index)
    if (excess <= 0) break
  }
  return instantMs
}
