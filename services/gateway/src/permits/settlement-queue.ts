import {
  addCost,
  amountOf,
  type CoolDown,
  type Cost,
  exceeds,
  excessOf,
  isNothing,
  MAX_COUNT,
  METRICS,
  NO_COST,
  type Settlement,
  type Trial,
} from '@sluice/contracts'

/** The settlements that wait for their session's next permit batch. */
export interface SettlementQueue {
  add(settlement: Settlement): void
  /** Takes at most `max` settlements, charges and cool-downs before refunds. */
  take(max: number): Settlement[]
  readonly size: number
}

/**
 * The permits of one batch were charged at one instant, to one slot. Their refunds are therefore summed, with the same effect, per model if
 * the model counts: that halves the batches of a busy session. Charges without a reservation and cool-downs, of which every request makes
 * one while capacity is unavailable, are merged too.
 */
export function createSettlementQueue(): SettlementQueue {
  const tightening: Settlement[] = []
  /** The outcomes of trials, which are few. */
  const trials: Trial[] = []
  /** The longest cool-down of each pool and size. */
  const coolDowns = new Map<string, CoolDown>()
  /** Usage without a reservation, by model. */
  const charges: Sums = new Map()
  const refunds: Sums = new Map()

  const addTo = (sums: Sums, key: number | string, settlement: Settlement): void => {
    const sum = sums.get(key)
    if (sum === undefined) {
      sums.set(key, copyOf(settlement))
      return
    }
    if (fits(sum, settlement)) {
      join(sum, settlement)
      return
    }
    tightening.push(sum)
    sums.set(key, copyOf(settlement))
  }

  const add = ({ coolDown, trial, ...settlement }: Settlement): void => {
    const { chargedAtMs, model } = settlement
    if (trial !== undefined) trials.push(trial)
    if (coolDown !== undefined) {
      const key = `${coolDown.minTokens ?? 0};${coolDown.pool ?? ''};${coolDown.model}`
      const longest = coolDowns.get(key)
      const isKept = longest === undefined ? coolDowns.size < MAX_COOL_DOWNS : longest.durationMs < coolDown.durationMs
      if (isKept) coolDowns.set(key, coolDown)
    }
    if (usesNothing(settlement)) return
    if (onlyRefunds(settlement)) {
      addTo(refunds, model === undefined ? chargedAtMs : `${chargedAtMs} ${model}`, settlement)
    } else if (isNothing(settlement.reserved) && isNothing(settlement.limited?.reserved ?? NO_COST)) {
      addCharge(settlement)
    } else {
      tightening.push(settlement)
    }
  }

  /** While capacity is unavailable, applications can name any number of models: those beyond the maximum count for the connection only. */
  const addCharge = (settlement: Settlement): void => {
    const { model, ...forConnection } = settlement
    if (model === undefined || (charges.size >= MAX_CHARGED_MODELS && !charges.has(model)))
      addTo(charges, 0, forConnection)
    else addTo(charges, model, settlement)
  }

  return {
    add,
    take: (max) => {
      // Trials first: a cool-down that came with a trial's outcome, or after it, holds.
      const taken: Settlement[] = trials.splice(0, max).map((trial) => ({ ...nothingCharged(), trial }))
      for (const [key, coolDown] of coolDowns) {
        if (taken.length >= max) return taken
        coolDowns.delete(key)
        taken.push({ ...nothingCharged(), coolDown })
      }
      taken.push(...tightening.splice(0, max - taken.length))
      for (const sums of [charges, refunds]) {
        for (const [key, sum] of sums) {
          if (taken.length >= max) return taken
          sums.delete(key)
          taken.push(sum)
        }
      }
      return taken
    },
    get size() {
      return trials.length + coolDowns.size + tightening.length + charges.size + refunds.size
    },
  }
}

/** Many times what a record counts. */
export const MAX_CHARGED_MODELS = 1_000
/** More than a record keeps. A pool whose cool-down finds no room gets another 429. */
export const MAX_COOL_DOWNS = 1_000

function nothingCharged(): Settlement {
  return { chargedAtMs: 0, reserved: NO_COST, actual: NO_COST }
}

/** Keyed by charge time and model. */
type Sums = Map<number | string, Settlement>

/** Returns whether the sum of both is within the bounds of one settlement. */
function fits(a: Settlement, b: Settlement): boolean {
  if (!(fitCosts(a.reserved, b.reserved) && fitCosts(a.actual, b.actual))) return false
  if (a.limited === undefined && b.limited === undefined) return true
  const [ofA, ofB] = [a.limited ?? a, b.limited ?? b]
  return fitCosts(ofA.reserved, ofB.reserved) && fitCosts(ofA.actual, ofB.actual)
}

function fitCosts(a: Cost, b: Cost): boolean {
  for (const metric of METRICS) if (amountOf(a, metric) + amountOf(b, metric) > MAX_COUNT) return false
  return true
}

/** Adds a settlement to a sum that the queue owns. */
function join(sum: Settlement, added: Settlement): void {
  if (sum.limited !== undefined || added.limited !== undefined) {
    const ofAdded = added.limited ?? added
    sum.limited ??= { reserved: { ...sum.reserved }, actual: { ...sum.actual } }
    addCost(sum.limited.reserved, ofAdded.reserved)
    addCost(sum.limited.actual, ofAdded.actual)
  }
  addCost(sum.reserved, added.reserved)
  addCost(sum.actual, added.actual)
}

function copyOf(settlement: Settlement): Settlement {
  const { reserved, actual, limited } = settlement
  const copy: Settlement = { ...settlement, reserved: { ...reserved }, actual: { ...actual } }
  if (limited !== undefined) copy.limited = { reserved: { ...limited.reserved }, actual: { ...limited.actual } }
  return copy
}

function usesNothing({ reserved, actual, limited }: Settlement): boolean {
  if (!(isNothing(reserved) && isNothing(actual))) return false
  return limited === undefined || (isNothing(limited.reserved) && isNothing(limited.actual))
}

/**
 * Returns a settlement's charge and cool-down without its refund; undefined if it only refunds. For a settlement that may have been applied
 * already: charging twice is safe, but refunding twice is not, nor is ending a cool-down that has begun meanwhile.
 */
export function chargesOnly({ reserved, actual, limited, coolDown, model }: Settlement): Settlement | undefined {
  const extra = excessOf(actual, reserved)
  const limitedExtra = limited && excessOf(limited.actual, limited.reserved)
  if ((extra ?? limitedExtra ?? coolDown) === undefined) return undefined
  return {
    chargedAtMs: 0,
    reserved: NO_COST,
    actual: extra ?? NO_COST,
    ...(limited === undefined ? {} : { limited: { reserved: NO_COST, actual: limitedExtra ?? NO_COST } }),
    ...(coolDown === undefined ? {} : { coolDown }),
    ...(model === undefined ? {} : { model }),
  }
}

/** Returns whether a settlement only frees part of its reservation: nothing charged beyond it, and no cool-down begun or ended. */
export function onlyRefunds({ reserved, actual, limited, coolDown, trial }: Settlement): boolean {
  if ((coolDown ?? trial) !== undefined || exceeds(actual, reserved)) return false
  return limited === undefined || !exceeds(limited.actual, limited.reserved)
}
