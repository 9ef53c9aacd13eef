import { expect, it } from 'vitest'
import { catchUp } from './authenticate.ts'
import { createCatchUp } from './catch-up.ts'

function known(maxWaiting: number) {
  const options = { ask: async () => undefined, onFault: () => undefined, minIntervalMs: 0, maxWaiting }
  const byNothing = { byHash: () => undefined, byName: () => undefined, all: () => [] }
  return { ...byNothing, catchUp: createCatchUp(options) }
}

it.each([
  ['keys', 0, 1],
  ['connections', 1, 0],
])('answers 503 with a time, and not 401, where too many wait for unknown %s', async (_, keys, connections) => {
  expect(await catchUp({ apiKeys: known(keys), connections: known(connections) })).toMatchObject({
    code: 'unavailable',
    status: 503,
    retryAfterMs: 1_000,
  })
})

it('goes on where everything that had been written is known', async () => {
  expect(await catchUp({ apiKeys: known(1), connections: known(1) })).toBeUndefined()
})
