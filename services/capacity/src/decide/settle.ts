import { excessOf, type Settlement } from '@sluice/contracts'
import { afterTrial, withCoolDown } from '../record/cool-downs.ts'
import { chargeModel, refundModel } from '../record/model-counters.ts'
import type { CapacityRecord } from '../record/record.ts'
import { chargeAll, refundAll } from '../record/window.ts'

/**
 * Brings what a permit reserved to what it used: a refund goes to the slot that was charged, in every window that still holds it;
 * what was used beyond the reservation is charged now, whatever the limits. The model's windows take what its provider counts. The record
 * must have been advanced to now.
 */
export function settle(record: CapacityRecord, settlement: Settlement): CapacityRecord {
  const { reserved, actual, chargedAtMs, cooldown, trial, model } = settlement
  const back = excessOf(reserved, actual)
  const extra = excessOf(actual, reserved)
  let { windows } = record
  if (back !== undefined) windows = refundAll(windows, back, chargedAtMs)
  if (extra !== undefined) windows = chargeAll(windows, extra, record.clockMs)
  let counters = model === undefined ? undefined : record.models.get(model)
  if (counters !== undefined) {
    const { limited } = settlement
    const modelBack = limited === undefined ? back : excessOf(limited.reserved, limited.actual)
    const modelExtra = limited === undefined ? extra : excessOf(limited.actual, limited.reserved)
    if (modelBack !== undefined) counters = refundModel(counters, modelBack, chargedAtMs)
    if (modelExtra !== undefined) counters = chargeModel(counters, modelExtra, record.clockMs)
  }
  let { cooldowns } = record
  if (trial !== undefined) cooldowns = afterTrial(cooldowns, trial, record.clockMs)
  if (cooldown !== undefined) cooldowns = withCoolDown(cooldowns, cooldown, record.clockMs)
  return {
    ...record,
    windows,
    models: model === undefined || counters === undefined ? record.models : new Map(record.models).set(model, counters),
    cooldowns,
  }
}
