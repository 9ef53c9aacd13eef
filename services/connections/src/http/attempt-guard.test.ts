import { expect, it } from 'vitest'
import { createAttemptLimiter } from './attempt-guard.ts'

const times = (count: number, work: () => boolean) => Array.from({ length: count }, work).filter(Boolean).length

it('allows a burst, and as many attempts again over a minute', () => {
  const limiter = createAttemptLimiter(10, 100)
  expect(times(50, () => limiter.take('a', 0))).toBe(10)
  expect(limiter.waitMs('a', 0)).toBe(6_000)
  expect(limiter.take('a', 5_999)).toBe(false)
  expect(limiter.waitMs('a', 5_999)).toBe(1)
  expect(times(50, () => limiter.take('a', 6_000))).toBe(1)
  expect(times(50, () => limiter.take('a', 66_000))).toBe(10)
})

it('does not extend the wait for refused attempts', () => {
  const limiter = createAttemptLimiter(1, 100)
  expect(limiter.take('a', 0)).toBe(true)
  for (let nowMs = 1; nowMs < 60_000; nowMs += 1_000) expect(limiter.take('a', nowMs)).toBe(false)
  expect(limiter.take('a', 60_000)).toBe(true)
})

it('counts each key by itself', () => {
  const limiter = createAttemptLimiter(1, 100)
  expect(limiter.take('a', 0)).toBe(true)
  expect(limiter.waitMs('b', 0)).toBe(0)
  expect(limiter.take('b', 0)).toBe(true)
})

it('drops the key with the oldest attempt when there are too many', () => {
  const limiter = createAttemptLimiter(2, 2)
  limiter.take('a', 0)
  limiter.take('b', 1)
  limiter.take('a', 2)
  limiter.take('c', 3)
  expect(limiter.waitMs('a', 3)).toBeGreaterThan(0)
  expect(times(3, () => limiter.take('b', 3))).toBe(2)
})
