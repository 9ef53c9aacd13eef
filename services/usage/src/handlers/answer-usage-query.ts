import { type ReplyOf, SluiceError, type usageQuery } from '@sluice/contracts'
import type { UsageQuery, UsageStore } from '../ports/usage-store.ts'

/**
 * Answers usage queries from the store.
 * @throws SluiceError `invalid_request` when the answer has more points than one reply holds
 */
export function answerUsageQuery(store: UsageStore): (query: UsageQuery) => Promise<ReplyOf<typeof usageQuery>> {
  return async (query) => {
    const points = await store.points(query, MAX_POINTS + 1)
    const reply = { points }
    if (points.length > MAX_POINTS || Buffer.byteLength(JSON.stringify(reply)) > MAX_REPLY_BYTES) {
      throw new SluiceError('invalid_request', 'too many points: ask for a longer step or a shorter span', {
        fields: [{ field: 'stepMs', message: 'gives more points than one reply holds' }],
      })
    }
    return reply
  }
}

const MAX_POINTS = 10_000
/** NATS' default limit of one message. */
const MAX_REPLY_BYTES = 1024 ** 2
