import fc from 'fast-check'
import { expect, it } from 'vitest'
import { addDuration, bucketOf, type Histogram, mergeInto, percentileMs } from './histogram.ts'

const DURATIONS = fc.array(fc.double({ min: 1, max: 86_400_000, noNaN: true }), { minLength: 1, maxLength: 200 })

it('gives every percentile within 4.5 % of the exact one, over any parts that it was merged from', () => {
  fc.assert(
    fc.property(
      fc.array(DURATIONS, { minLength: 1, maxLength: 5 }),
      fc.double({ min: 0.001, max: 1, noNaN: true }),
      (parts, fraction) => {
        const merged: Histogram = new Map()
        for (const part of parts) mergeInto(merged, histogramOf(part))
        const sorted = parts.flat().sort((a, b) => a - b)
        const exact = sorted[Math.ceil(sorted.length * fraction) - 1] ?? Number.NaN
        expect(Math.abs(Number(percentileMs(merged, fraction)) / exact - 1)).toBeLessThan(0.045)
      },
    ),
  )
})

it('is the same whatever it is merged from', () => {
  fc.assert(
    fc.property(DURATIONS, DURATIONS, (one, other) => {
      const merged = histogramOf(one)
      mergeInto(merged, histogramOf(other))
      expect(merged).toEqual(histogramOf([...one, ...other]))
    }),
  )
})

it('has few buckets, whatever the durations', () => {
  expect([0, 0.5, 1].map(bucketOf)).toEqual([0, 0, 0])
  expect([1_000, 1e300, Number.POSITIVE_INFINITY].map(bucketOf)).toEqual([79, 218, 218])
})

it('has no percentile of nothing', () => {
  expect(percentileMs(new Map(), 0.5)).toBeUndefined()
})

function histogramOf(durationsMs: readonly number[]): Histogram {
  const histogram: Histogram = new Map()
  for (const durationMs of durationsMs) addDuration(histogram, durationMs)
  return histogram
}
