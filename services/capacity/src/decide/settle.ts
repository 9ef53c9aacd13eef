/**
 * Corrects earlier charges: settlements, which bring a permit's charge to what it used, and renewals, which move a
 * charge to now.
 */
import { type Acquire, costOf, excessOf, NO_COST, type Settlement } from '@sluice/contracts'
import { afterTrial, withCoolDown } from '../record/cool-downs.ts'
import type { EnforcedLimits } from '../record/limits.ts'
import { chargeModel, refundModel } from '../record/model-counters.ts'
import type { CapacityRecord } from '../record/record.ts'
import { chargeAll, refundAll } from '../record/window.ts'
import { chargeRecord } from './acquire.ts'

/**
 * Settles a permit. What it did not use is refunded to the slot that was charged, in every window that still holds it;
 * what it used beyond its reservation is charged now, whatever the limits. The model's windows take what its provider
 * counts. The record must have been advanced to now.
 */
export function settle(record: CapacityRecord, settlement: Settlement): CapacityRecord {
  const { reserved, actual, chargedAtMs, coolDown, trial, model } = settlement
  const unused = excessOf(reserved, actual)
  const extra = excessOf(actual, reserved)
  let { windows } = record
  if (unused !== undefined) windows = refundAll(windows, unused, chargedAtMs)
  if (extra !== undefined) windows = chargeAll(windows, extra, record.clockMs)
  let counters = model === undefined ? undefined : record.models.get(model)
  if (counters !== undefined) {
    const { limited } = settlement
    const modelUnused = limited === undefined ? unused : excessOf(limited.reserved, limited.actual)
    const modelExtra = limited === undefined ? extra : excessOf(limited.actual, limited.reserved)
    if (modelUnused !== undefined) counters = refundModel(counters, modelUnused, chargedAtMs)
    if (modelExtra !== undefined) counters = chargeModel(counters, modelExtra, record.clockMs)
  }
  let { coolDowns } = record
  if (trial !== undefined) coolDowns = afterTrial(coolDowns, trial, record.clockMs)
  if (coolDown !== undefined) coolDowns = withCoolDown(coolDowns, coolDown, record.clockMs)
  return {
    ...record,
    windows,
    models: model === undefined || counters === undefined ? record.models : new Map(record.models).set(model, counters),
    coolDowns,
  }
}

/** Moves a charge from one instant to a later one, in every window. */
export function renew(
  record: CapacityRecord,
  limits: EnforcedLimits,
  renewed: Acquire,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): CapacityRecord {
  const { model, limited } = renewed
  const cost = costOf(renewed)
  const refunded = settle(record, {
    chargedAtMs: fromMs,
    reserved: cost,
    actual: NO_COST,
    ...(limits.discovered === undefined ? {} : { model }),
    ...(limited === undefined ? {} : { limited: { reserved: limited, actual: NO_COST } }),
  })
  return chargeRecord(refunded, limits, { model, cost, limited }, toMs)
}
