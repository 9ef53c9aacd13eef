import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fullBucket, msUntilFull, refilled, remaining, take } from './token-bucket.ts'

const MINUTE_MS = 60_000

it('refills evenly and stops when full', () => {
  const first = take(fullBucket(500, MINUTE_MS, 1000), 2, 1000)
  if (first.status !== 'taken') throw new Error('a full bucket holds two units')
  expect(remaining(first.bucket)).toBe(498)
  expect(msUntilFull(first.bucket)).toBe(240)
  expect(remaining(refilled(first.bucket, 1119))).toBe(498)
  expect(remaining(refilled(first.bucket, 1120))).toBe(499)
  expect(refilled(first.bucket, 9000)).toMatchObject({ available: 500, updatedAtMs: 9000 })
})

it('ignores a clock that goes back', () => {
  const bucket = fullBucket(10, MINUTE_MS, 1000)
  expect(refilled(bucket, 500)).toBe(bucket)
})

it('denies an amount beyond its capacity without a wait', () => {
  expect(take(fullBucket(10, MINUTE_MS, 0), 11, 0)).toEqual({ status: 'denied' })
})

it('returns the exact wait when it denies', () => {
  fc.assert(
    fc.property(bucketSteps(), ({ capacity, steps }) => {
      let bucket = fullBucket(capacity, MINUTE_MS, 0)
      let nowMs = 0
      for (const { afterMs, amount } of steps) {
        nowMs += afterMs
        const result = take(bucket, Math.min(amount, capacity), nowMs)
        if (result.status === 'taken') {
          bucket = result.bucket
          continue
        }
        const waitMs = Math.ceil(result.waitMs ?? Number.NaN)
        expect(take(bucket, Math.min(amount, capacity), nowMs + waitMs).status).toBe('taken')
        expect(take(bucket, Math.min(amount, capacity), nowMs + waitMs - 2).status).toBe('denied')
      }
    }),
  )
})

it('admits at most its capacity and the tokens refilled since', () => {
  fc.assert(
    fc.property(bucketSteps(), ({ capacity, steps }) => {
      let bucket = fullBucket(capacity, MINUTE_MS, 0)
      let nowMs = 0
      let taken = 0
      for (const { afterMs, amount } of steps) {
        nowMs += afterMs
        const result = take(bucket, amount, nowMs)
        if (result.status === 'denied') continue
        bucket = result.bucket
        taken += amount
        expect(taken).toBeLessThanOrEqual(capacity + (nowMs * capacity) / MINUTE_MS + 0.001)
      }
    }),
  )
})

function bucketSteps() {
  return fc.record({
    capacity: fc.integer({ min: 1, max: 1000 }),
    steps: fc.array(
      fc.record({ afterMs: fc.integer({ min: 0, max: 20_000 }), amount: fc.integer({ min: 1, max: 400 }) }),
    ),
  })
}
