import type { Cost, Settlement } from '@sluice/contracts'

/** Settlements that wait for their lane's next exchange. */
export interface SettlementQueue {
  add(settlement: Settlement): void
  /** Takes at most `max`, those that tighten a limit first. */
  take(max: number): Settlement[]
  readonly size: number
}

/**
 * Permits of one exchange were charged at one instant, to one slot: what they give back travels as one sum, whose effect is the same;
 * where it is counted for each model, one for each. A busy lane's exchanges are half as long for it.
 */
export function createSettlementQueue(): SettlementQueue {
  const tightening: Settlement[] = []
  /** What was used without a reservation, by model: while capacity is away, these are as many as there are requests. */
  const charges: Sums = new Map()
  const refunds: Sums = new Map()
  return {
    add: (settlement) => {
      const { chargedAtMs, model } = settlement
      if (givesBackOnly(settlement)) {
        addTo(refunds, model === undefined ? chargedAtMs : `${chargedAtMs} ${model}`, settlement)
      } else if (settlement.cooldown === undefined && isNothing(settlement.reserved)) {
        addTo(charges, model ?? 0, settlement)
      } else {
        tightening.push(settlement)
      }
    },
    take: (max) => {
      const taken = tightening.splice(0, max)
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
      return tightening.length + charges.size + refunds.size
    },
  }
}

/**
 * What of a settlement charges or pauses, without what it gives back, or undefined where it only gives back. For one that may have been
 * applied already: charging twice is safe, giving back twice is not.
 */
export function chargesOf({ reserved, actual, cooldown, model }: Settlement): Settlement | undefined {
  const extra = {
    requests: Math.max(0, actual.requests - reserved.requests),
    tokens: Math.max(0, actual.tokens - reserved.tokens),
  }
  if (isNothing(extra) && cooldown === undefined) return undefined
  return {
    chargedAtMs: 0,
    reserved: { requests: 0, tokens: 0 },
    actual: extra,
    ...(cooldown === undefined ? {} : { cooldown }),
    ...(model === undefined ? {} : { model }),
  }
}

/** Whether nothing was used beyond the reservation, and no pause asked for: it frees capacity, and never tightens it. */
export function givesBackOnly({ reserved, actual, cooldown }: Settlement): boolean {
  return cooldown === undefined && actual.requests <= reserved.requests && actual.tokens <= reserved.tokens
}

/** By what was charged, and by model. */
type Sums = Map<number | string, Settlement>

function addTo(sums: Sums, key: number | string, settlement: Settlement): void {
  const { reserved, actual } = settlement
  const sum = sums.get(key)
  if (sum === undefined) {
    sums.set(key, { ...settlement, reserved: { ...reserved }, actual: { ...actual } })
    return
  }
  for (const metric of ['requests', 'tokens'] as const) {
    sum.reserved[metric] += reserved[metric]
    sum.actual[metric] += actual[metric]
  }
}

function isNothing({ requests, tokens }: Cost): boolean {
  return requests === 0 && tokens === 0
}
