import { type ReplyOf, SluiceError, type usageQuery } from '@sluice/contracts'
import type { PriceList } from './prices/price-list.ts'
import { usagePoints } from './rollup/usage-points.ts'
import type { UsageQuery } from './store/select-cells.ts'
import type { UsageStore } from './store/usage-store.ts'

/**
 * Returns the handler of usage queries, from the store and at these prices.
 * @throws SluiceError `invalid_request` when there are more points than one reply holds
 */
export function replyToUsageQuery(
  store: Pick<UsageStore, 'cells'>,
  prices: PriceList,
): (query: UsageQuery) => Promise<ReplyOf<typeof usageQuery>> {
  return async (query) => {
    const cells = await store.cells(query, MAX_CELLS)
    const reply = { stepMs: cells.stepMs, points: usagePoints(cells, prices) }
    const isCut = cells.counts.length === MAX_CELLS
    if (isCut || reply.points.length > MAX_POINTS || Buffer.byteLength(JSON.stringify(reply)) > MAX_REPLY_BYTES) {
      throw new SluiceError('invalid_request', 'too many points: request a longer step or a shorter range', {
        fields: [{ field: 'stepMs', message: 'gives more points than one reply holds' }],
      })
    }
    return reply
  }
}

const MAX_POINTS = 10_000
/** A point is made of cells: one for each model, outcome and limit that denied. */
const MAX_CELLS = 100_000
/** NATS' default limit of one message. */
const MAX_REPLY_BYTES = 1024 ** 2
