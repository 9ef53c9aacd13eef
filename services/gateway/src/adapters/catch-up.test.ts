import { expect, it } from 'vitest'
import { createCatchUp } from './catch-up.ts'

const unexpected = (error: unknown): never => {
  throw error
}

/** Asks that are answered by hand. */
function asks() {
  const answers: (() => void)[] = []
  const ask = () => new Promise<void>((resolve) => answers.push(resolve))
  return { ask, answers }
}

it('has those who come while a round is under way share the next one', async () => {
  const { ask, answers } = asks()
  const catchUp = createCatchUp({ ask, onFault: unexpected, minIntervalMs: 0 })
  const resolved: string[] = []
  const first = catchUp().then(() => resolved.push('first'))
  const others = ['a', 'b', 'c'].map((name) => catchUp().then(() => resolved.push(name)))
  expect(answers).toHaveLength(1)
  answers[0]?.()
  await first
  expect(resolved).toEqual(['first'])
  expect(answers).toHaveLength(2)
  answers[1]?.()
  await Promise.all(others)
  expect(resolved).toEqual(['first', 'a', 'b', 'c'])
})

it('asks a storm of callers no more than forty times a second', async () => {
  let asked = 0
  const ask = async () => {
    asked++
  }
  const catchUp = createCatchUp({ ask, onFault: unexpected })
  const beganAtMs = performance.now()
  let calls = 0
  while (performance.now() - beganAtMs < 500) {
    await Promise.all(Array.from({ length: 100 }, catchUp))
    calls += 100
  }
  const tookMs = performance.now() - beganAtMs
  expect(calls).toBeGreaterThan(asked * 50)
  expect(asked).toBeLessThanOrEqual(tookMs / 25 + 2)
})

it('lets nobody wait beyond a number, nor longer than a time', async () => {
  const { ask, answers } = asks()
  const catchUp = createCatchUp({ ask, onFault: unexpected, minIntervalMs: 0, withinMs: 50, maxWaiting: 2 })
  const stuck = catchUp()
  const waiting = [catchUp(), catchUp()]
  // The next one goes on at once.
  await catchUp()
  expect(answers).toHaveLength(1)
  await stuck
  await Promise.all(waiting)
  expect(answers).toHaveLength(2)
})

it('goes on after a fault, which it reports', async () => {
  const faults: unknown[] = []
  let fails = true
  const ask = async () => {
    if (fails) throw new Error('no leader')
  }
  const catchUp = createCatchUp({ ask, onFault: (error) => faults.push(error), minIntervalMs: 0 })
  await catchUp()
  fails = false
  await catchUp()
  expect(faults).toEqual([new Error('no leader')])
})
