import { expect, it } from 'vitest'
import { ThreadTime } from './thread-time.ts'

it('allows each owner a tenth of the time, and a burst', () => {
  let nowMs = 0
  const time = new ThreadTime(() => nowMs)
  let takenNs = 0
  const take = () => {
    if (time.take('a', 1_000_000)) takenNs += 1_000_000
  }
  for (let tries = 0; tries < 100; tries++) take()
  expect(takenNs).toBe(20_000_000)
  for (; nowMs < 10_000; nowMs++) take()
  expect(takenNs / 1e6 / nowMs).toBeCloseTo(0.1, 2)
  expect(time.take('b', 1_000_000)).toBe(true)
})
