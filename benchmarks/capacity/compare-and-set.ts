import { defineBucket } from '@sluice/contracts'
import { connectBus, openBucket } from '@sluice/messaging'
import { type Static, Type } from 'typebox'
import { type PermitSource, RESERVED_TOKENS, USED_TOKENS } from './permit-source.ts'

/**
 * The simple approach on the same store: each permit updates the counter by compare-and-set, once to reserve and once
 * to settle. It is optimized: the callers of a connection take turns instead of racing, and the value is kept in
 * memory, so a permit costs two writes and no read. One number per metric, no windows: less work than a real
 * implementation.
 */
export async function compareAndSetPermits(natsUrl: string): Promise<PermitSource> {
  const bus = await connectBus({ servers: natsUrl, name: 'compare-and-set' })
  const bucket = await openBucket(bus, defineBucket({ name: 'plain-counters', value: Counter }))
  const counters = new Map<string, Turns>()

  const turnsOf = (key: string): Turns => {
    const turns = counters.get(key) ?? { last: Promise.resolve(), counter: { requests: 0, tokens: 0 }, revision: 0 }
    counters.set(key, turns)
    return turns
  }

  const add = (key: string, requests: number, tokens: number): Promise<void> => {
    const turns = turnsOf(key)
    turns.last = turns.last.then(async () => {
      const next = { requests: turns.counter.requests + requests, tokens: turns.counter.tokens + tokens }
      const result = await bucket.update(key, next, turns.revision)
      if (result.status !== 'stored') throw new Error('another writer changed this counter')
      turns.counter = next
      turns.revision = result.revision
    })
    return turns.last
  }

  return {
    name: 'one compare-and-set per permit',
    takePermit: async (connectionId) => {
      await add(connectionId, 1, RESERVED_TOKENS)
      void add(connectionId, 0, USED_TOKENS - RESERVED_TOKENS)
    },
    stop: () => bus.close(),
  }
}

/** A counter and the last write that waits for it. */
interface Turns {
  last: Promise<void>
  counter: Static<typeof Counter>
  revision: number
}

const Counter = Type.Object({ requests: Type.Integer(), tokens: Type.Integer() })
