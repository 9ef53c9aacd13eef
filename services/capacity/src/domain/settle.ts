import type { Cost, Settlement } from '@sluice/contracts'
import { chargeModel, refundModel } from './model-counters.ts'
import type { CapacityRecord } from './record.ts'
import { chargeAll, refundAll } from './windows.ts'

/** So many models may cool down at once; of more, those that end last stay. Bounds the record's size. */
export const MAX_COOLDOWNS = 256

/**
 * Brings what a permit reserved to what it used: a refund goes to the slot that was charged, in every window that still holds it;
 * what was used beyond the reservation is charged now, whatever the limits. The record must have been advanced to now.
 */
export function settle(record: CapacityRecord, settlement: Settlement): CapacityRecord {
  const { reserved, actual, chargedAtMs, cooldown, model } = settlement
  const back = excessOf(reserved, actual)
  const extra = excessOf(actual, reserved)
  let { windows } = record
  let counters = model === undefined ? undefined : record.models.get(model)
  if (back !== undefined) {
    windows = refundAll(windows, back, chargedAtMs)
    counters &&= refundModel(counters, back, chargedAtMs)
  }
  if (extra !== undefined) {
    windows = chargeAll(windows, extra, record.clockMs)
    counters &&= chargeModel(counters, extra, record.clockMs)
  }
  return {
    ...record,
    windows,
    models: model === undefined || counters === undefined ? record.models : new Map(record.models).set(model, counters),
    cooldowns: cooldown === undefined ? record.cooldowns : coolDown(record, cooldown.model, cooldown.durationMs),
  }
}

/** By how much `a` exceeds `b`; undefined where it exceeds it in nothing. */
function excessOf(a: Cost, b: Cost): Cost | undefined {
  const requests = Math.max(0, a.requests - b.requests)
  const tokens = Math.max(0, a.tokens - b.tokens)
  return requests === 0 && tokens === 0 ? undefined : { requests, tokens }
}

/** A second pause for a model lengthens the first and never shortens it. */
function coolDown(record: CapacityRecord, model: string, durationMs: number): ReadonlyMap<string, number> {
  const endsAtMs = Math.max(record.cooldowns.get(model) ?? 0, record.clockMs + durationMs)
  const cooldowns = new Map(record.cooldowns).set(model, endsAtMs)
  if (cooldowns.size <= MAX_COOLDOWNS) return cooldowns
  return new Map([...cooldowns].sort(([, a], [, b]) => b - a).slice(0, MAX_COOLDOWNS))
}
