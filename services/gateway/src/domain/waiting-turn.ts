import { amountOf, PERIOD_MS } from '@sluice/contracts'
import type { PermitDenial } from './permit-denial.ts'
import { type CountedCost, sumOfCounted } from './reservation.ts'

/**
 * The denial that tells when `own` will be served behind `before`, which waits already: when both fit together, which `probe` tells.
 * Undefined where that is now. What waits may be more than a whole window holds: each further window's worth then takes a period
 * and a slot more, by which time all that was charged until then has slid out.
 */
export async function turnAfter(
  before: CountedCost,
  own: CountedCost,
  probe: (cost: CountedCost) => Promise<PermitDenial | undefined>,
): Promise<PermitDenial | undefined> {
  const cost = sumOfCounted(before, own)
  let furtherMs = 0
  let turn: PermitDenial | undefined
  for (;;) {
    const denial = await probe(cost)
    if (denial === undefined) return turn
    const { denied } = denial
    if (denied.code !== 'request_exceeds_capacity') {
      return { ...denial, denied: { ...denied, retryAfterMs: denied.retryAfterMs + furtherMs } }
    }
    const { period, metric, limit, excess } = denied
    const isProviders = denied.model !== undefined
    const ownExcess = amountOf((isProviders ? own.limited : undefined) ?? own, metric) - limit
    if (ownExcess > 0) return { ...denial, denied: { ...denied, excess: ownExcess } }
    const windows = Math.ceil(excess / limit)
    const reduced = (isProviders ? cost.limited : undefined) ?? cost
    reduced[metric] = amountOf(reduced, metric) - windows * limit
    furtherMs = Math.max(furtherMs, windows * PERIOD_MS[period] * PERIOD_AND_SLOT)
    turn = {
      ...denial,
      denied: { status: 'denied', code: 'capacity_exceeded', period, metric, limit, retryAfterMs: furtherMs },
    }
  }
}

/** A period and one of its 60 slots, in periods: how long a charge counts at most. */
const PERIOD_AND_SLOT = 61 / 60
