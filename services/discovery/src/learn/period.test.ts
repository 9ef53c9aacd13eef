import fc from 'fast-check'
import { expect, it } from 'vitest'
import { afterLimitChange, afterVote, inferPeriodMs, MAX_CONFIDENCE, NO_BELIEF } from './period.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

it.each([
  { limit: 10_000, remaining: 9_999, resetMs: 8_640, periodMs: DAY_MS },
  { limit: 10_000, remaining: 9_999, resetMs: 2_000, periodMs: DAY_MS },
  { limit: 14_400, remaining: 14_370, resetMs: 179_560, periodMs: DAY_MS },
  { limit: 60, remaining: 59, resetMs: 1_000, periodMs: MINUTE_MS },
  { limit: 60, remaining: 58, resetMs: 1_100, periodMs: MINUTE_MS },
  { limit: 5, remaining: 0, resetMs: 60_000, periodMs: MINUTE_MS },
  { limit: 10_000, remaining: 9_999, resetMs: 6, periodMs: MINUTE_MS },
  { limit: 30_000, remaining: 29_999, resetMs: 2, periodMs: MINUTE_MS },
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
  { what: 'a unit has flowed back in part, of what may be an hour or a day', limit: 10, remaining: 9, resetMs: 50_000 },
  { what: 'the window would be a week', limit: 7, remaining: 6, resetMs: DAY_MS },
  { what: 'the numbers are as large as they can be', limit: 2 ** 53 - 1, remaining: 0, resetMs: 2 ** 53 - 1 },
])('infers nothing when $what', ({ limit, remaining, resetMs }) => {
  expect(inferPeriodMs(limit, remaining, resetMs)).toBeUndefined()
})

const periods = fc.constantFrom(MINUTE_MS, HOUR_MS, DAY_MS)
const limits = fc.integer({ min: 1, max: 1_000_000_000 })
const shares = fc.double({ min: 0, max: 1, noNaN: true })

it('finds the period of any limit that refills evenly, whatever is used of it', () => {
  fc.assert(
    fc.property(periods, limits, shares, (periodMs, limit, share) => {
      const used = Math.max(1, Math.round(limit * share))
      const resetMs = Math.ceil((periodMs * used) / limit)
      fc.pre(resetMs >= 2)
      expect(inferPeriodMs(limit, limit - used, resetMs)).toBe(periodMs)
    }),
  )
})

it('never finds a wrong one where more than one unit is used, however much of it has flowed back', () => {
  fc.assert(
    fc.property(periods, limits, shares, fc.boolean(), (periodMs, limit, share, roundsUp) => {
      const used = 1 + share * (limit - 1)
      const remaining = Math.floor(limit - used)
      fc.pre(limit - remaining >= 2)
      const resetMs = (periodMs * used) / limit
      const inferredMs = inferPeriodMs(limit, remaining, roundsUp ? Math.ceil(resetMs) : Math.floor(resetMs))
      if (resetMs >= 2) expect(inferredMs).toBe(periodMs)
      else expect([periodMs, undefined]).toContain(inferredMs)
    }),
  )
})

const votes = (...periods: (number | undefined)[]) => periods.reduce(afterVote, NO_BELIEF)

it('believes the first response, and more so the more agree with it', () => {
  expect(votes(undefined)).toEqual(NO_BELIEF)
  expect(votes(undefined, 60)).toEqual({ periodMs: 60, confidence: 1 })
  expect(votes(60, 60, undefined, 60)).toEqual({ periodMs: 60, confidence: 3 })
  expect(votes(...Array<number>(100).fill(60))).toEqual({ periodMs: 60, confidence: MAX_CONFIDENCE })
})

it('keeps its belief against one contradicting response', () => {
  expect(votes(60, 3_600)).toMatchObject({ periodMs: 60 })
  expect(votes(60, 3_600, 60)).toMatchObject({ periodMs: 60 })
  expect(votes(60, 3_600, 3_600)).toEqual({ periodMs: 3_600, confidence: 1 })
})

it('arrives at the period of most responses, whatever came before', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(60, 3_600, 86_400, undefined)), (before) => {
      const outvoted = Array<number>(MAX_CONFIDENCE + 1).fill(60)
      expect(votes(...before, ...outvoted)).toMatchObject({ periodMs: 60 })
    }),
  )
})

it('is less sure of it when the limit has become another', () => {
  const changed = afterLimitChange(votes(60, 60, 60))
  expect(changed).toEqual({ periodMs: 60, confidence: 1 })
  expect(afterVote(changed, 3_600)).toMatchObject({ periodMs: 60 })
  expect(afterLimitChange(NO_BELIEF)).toEqual(NO_BELIEF)
})
