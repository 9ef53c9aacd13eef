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
  const refunds = new Map<number | string, Settlement>()
  return {
    add: (settlement) => {
      if (!givesBackOnly(settlement)) {
        tightening.push(settlement)
        return
      }
      const { chargedAtMs, reserved, actual, model } = settlement
      const charge = model === undefined ? chargedAtMs : `${chargedAtMs} ${model}`
      const sum = refunds.get(charge)
      if (sum === undefined) {
        refunds.set(charge, { ...settlement, reserved: { ...reserved }, actual: { ...actual } })
      } else {
        addTo(sum.reserved, reserved)
        addTo(sum.actual, actual)
      }
    },
    take: (max) => {
      const taken = tightening.splice(0, max)
      for (const [charge, refund] of refunds) {
        if (taken.length >= max) break
        refunds.delete(charge)
        taken.push(refund)
      }
      return taken
    },
    get size() {
      return tightening.length + refunds.size
    },
  }
}

/** Whether nothing was used beyond the reservation, and no pause asked for: it frees capacity, and never tightens it. */
export function givesBackOnly({ reserved, actual, cooldown }: Settlement): boolean {
  return cooldown === undefined && actual.requests <= reserved.requests && actual.tokens <= reserved.tokens
}

function addTo(sum: Cost, cost: Cost): void {
  sum.requests += cost.requests
  sum.tokens += cost.tokens
}
