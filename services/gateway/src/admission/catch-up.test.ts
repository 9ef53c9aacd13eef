import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { catchUp as catchUpWith, createCatchUp } from './catch-up.ts'

const unexpected = (error: unknown): never => {
  throw error
}

/** Requests to NATS that the test replies to. */
function syncs() {
  const replies: (() => void)[] = []
  const sync = () => new Promise<void>((resolve) => replies.push(resolve))
  return { sync, replies }
}

it('has callers that come while a round is under way share the next one', async () => {
  const { sync, replies } = syncs()
  const catchUp = createCatchUp({ sync, onFault: unexpected, minIntervalMs: 0 })
  const resolved: string[] = []
  const first = catchUp().then(() => resolved.push('first'))
  const others = ['a', 'b', 'c'].map((name) => catchUp().then(() => resolved.push(name)))
  expect(replies).toHaveLength(1)
  replies[0]?.()
  await first
  expect(resolved).toEqual(['first'])
  expect(replies).toHaveLength(2)
  replies[1]?.()
  await Promise.all(others)
  expect(resolved).toEqual(['first', 'a', 'b', 'c'])
})

it('reads for a storm of callers no more than forty times a second', async () => {
  let synced = 0
  const sync = async () => {
    synced++
  }
  const catchUp = createCatchUp({ sync, onFault: unexpected })
  const beganAtMs = performance.now()
  let calls = 0
  while (performance.now() - beganAtMs < 500) {
    await Promise.all(Array.from({ length: 100 }, catchUp))
    calls += 100
  }
  const tookMs = performance.now() - beganAtMs
  expect(calls).toBeGreaterThan(synced * 50)
  expect(synced).toBeLessThanOrEqual(tookMs / 25 + 2)
})

it('returns busy to callers beyond a number, without a wait', async () => {
  const { sync, replies } = syncs()
  const catchUp = createCatchUp({ sync, onFault: unexpected, minIntervalMs: 0, withinMs: 50, maxWaiting: 3 })
  const waiting = [catchUp(), catchUp(), catchUp()]
  expect(await catchUp()).toBe('busy')
  expect(replies).toHaveLength(1)
  expect(await Promise.all(waiting)).toEqual(['waited', 'waited', 'waited'])
  expect(replies).toHaveLength(2)
  // Those who have gone on make room.
  const again = catchUp()
  replies.at(-1)?.()
  expect(await again).toBe('waited')
})

it('lets no caller wait longer than a time, which a round under way does not double', async () => {
  const { sync, replies } = syncs()
  const catchUp = createCatchUp({ sync, onFault: unexpected, minIntervalMs: 0, withinMs: 400 })
  const order: string[] = []
  const later = sleep(600).then(() => order.push('later'))
  const first = catchUp().then(() => order.push('first'))
  const second = catchUp().then(() => order.push('second'))
  await Promise.all([first, second, later])
  // The second round, which the second caller waits for, takes until 800 ms.
  expect(order).toEqual(['first', 'second', 'later'])
  expect(replies).toHaveLength(2)
})

it('goes on after a fault, which it reports', async () => {
  const faults: unknown[] = []
  let fails = true
  const sync = async () => {
    if (fails) throw new Error('no leader')
  }
  const catchUp = createCatchUp({ sync, onFault: (error) => faults.push(error), minIntervalMs: 0 })
  await catchUp()
  fails = false
  await catchUp()
  expect(faults).toEqual([new Error('no leader')])
})

/** Keys or connections for which at most `maxWaiting` requests wait. */
function known(maxWaiting: number) {
  const options = { sync: async () => undefined, onFault: () => undefined, minIntervalMs: 0, maxWaiting }
  const byNothing = { byHash: () => undefined, byName: () => undefined, all: () => [] }
  return { ...byNothing, catchUp: createCatchUp(options) }
}

it.each([
  ['keys', 0, 1],
  ['connections', 1, 0],
])('returns a 503 with a time, and not a 401, if too many wait for unknown %s', async (_, keys, connections) => {
  expect(await catchUpWith({ apiKeys: known(keys), connections: known(connections) })).toMatchObject({
    code: 'unavailable',
    status: 503,
    retryAfterMs: 1_000,
  })
})

it('returns no error if everything that had been written is known', async () => {
  expect(await catchUpWith({ apiKeys: known(1), connections: known(1) })).toBeUndefined()
})
