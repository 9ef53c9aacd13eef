import fc from 'fast-check'
import { expect, it } from 'vitest'
import { largestInterval } from './largest-interval.ts'

it('finds the largest interval wherever it lies', () => {
  const sorted = fc.array(fc.nat(500), { maxLength: 60 }).map((values) => values.sort((a, b) => a - b))
  fc.assert(
    fc.property(sorted, fc.integer({ min: 1, max: 200 }), (arrivals, lengthMs) => {
      const each = arrivals.map((fromMs) => arrivals.filter((ms) => ms >= fromMs && ms < fromMs + lengthMs).length)
      expect(largestInterval(arrivals, lengthMs)).toBe(Math.max(0, ...each))
    }),
  )
})
