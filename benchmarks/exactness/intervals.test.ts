import fc from 'fast-check'
import { expect, it } from 'vitest'
import { leastInAnyInterval, mostInAnyInterval } from './intervals.ts'

const arrivalsArbitrary = fc.array(fc.nat(500), { maxLength: 60 }).map((values) => values.sort((a, b) => a - b))
const lengthArbitrary = fc.integer({ min: 1, max: 200 })

it('finds the fullest interval wherever it lies', () => {
  fc.assert(
    fc.property(arrivalsArbitrary, lengthArbitrary, (arrivals, lengthMs) => {
      const each = arrivals.map((fromMs) => arrivals.filter((ms) => ms >= fromMs && ms < fromMs + lengthMs).length)
      expect(mostInAnyInterval(arrivals, lengthMs)).toBe(Math.max(0, ...each))
    }),
  )
})

it('finds the emptiest interval within the run', () => {
  const distinct = fc.uniqueArray(fc.nat(500), { maxLength: 60 }).map((values) => values.sort((a, b) => a - b))
  fc.assert(
    fc.property(distinct, lengthArbitrary, (arrivals, lengthMs) => {
      const each = arrivals
        .filter((fromMs) => fromMs + lengthMs <= 450)
        .map((fromMs) => arrivals.filter((ms) => ms > fromMs && ms <= fromMs + lengthMs).length)
      expect(leastInAnyInterval(arrivals, lengthMs, 450)).toBe(each.length === 0 ? undefined : Math.min(...each))
    }),
  )
})
