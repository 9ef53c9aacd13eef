import fc from 'fast-check'
import { expect, it } from 'vitest'
import { inferPeriodMs } from './infer-period.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

it.each([
  { limit: 10_000, remaining: 9_999, resetMs: 8_640, periodMs: DAY_MS },
  { limit: 14_400, remaining: 14_370, resetMs: 179_560, periodMs: DAY_MS },
  { limit: 60, remaining: 59, resetMs: 1_000, periodMs: MINUTE_MS },
  { limit: 5, remaining: 0, resetMs: 60_000, periodMs: MINUTE_MS },
  { limit: 150_000, remaining: 149_984, resetMs: 6, periodMs: MINUTE_MS },
  { limit: 1_000, remaining: 900, resetMs: 360_000, periodMs: HOUR_MS },
])('takes $limit with $remaining left and a reset in $resetMs ms for a window of $periodMs ms', (given) => {
  expect(inferPeriodMs(given.limit, given.remaining, given.resetMs)).toBe(given.periodMs)
})

it.each([
  { what: 'nothing is used', limit: 60, remaining: 60, resetMs: 1_000 },
  { what: 'more remains than the limit is', limit: 60, remaining: 61, resetMs: 1_000 },
  { what: 'less than nothing remains', limit: 60, remaining: -1, resetMs: 1_000 },
  { what: 'the limit is nothing', limit: 0, remaining: 0, resetMs: 1_000 },
  { what: 'the reset is at once', limit: 60, remaining: 59, resetMs: 0 },
  { what: 'the reset is too short to be exact', limit: 2_000_000, remaining: 1_999_999, resetMs: 1 },
  { what: 'the window would be between a minute and an hour', limit: 10, remaining: 9, resetMs: 50_000 },
  { what: 'the window would be a week', limit: 7, remaining: 6, resetMs: DAY_MS },
])('tells nothing when $what', ({ limit, remaining, resetMs }) => {
  expect(inferPeriodMs(limit, remaining, resetMs)).toBeUndefined()
})

it('finds the period of any limit that refills evenly, whatever is used of it', () => {
  const limits = fc.integer({ min: 1, max: 1_000_000_000 })
  const shares = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(
    fc.property(fc.constantFrom(MINUTE_MS, HOUR_MS, DAY_MS), limits, shares, (periodMs, limit, share) => {
      const used = Math.max(1, Math.round(limit * share))
      const resetMs = Math.ceil((periodMs * used) / limit)
      fc.pre(resetMs >= 2)
      expect(inferPeriodMs(limit, limit - used, resetMs)).toBe(periodMs)
    }),
  )
})
