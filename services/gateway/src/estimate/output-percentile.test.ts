import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MIN_RESPONSES, OutputPercentile } from './output-percentile.ts'

function taught(lengths: readonly number[], cutOff = false): OutputPercentile {
  const output = new OutputPercentile()
  for (const length of lengths) output.learn(length, cutOff)
  return output
}

it('is undefined before there are enough responses', () => {
  expect(taught(Array(MIN_RESPONSES - 1).fill(50)).tokens).toBeUndefined()
  expect(taught(Array(MIN_RESPONSES).fill(50)).tokens).toBe(54)
})

it.each([0, 1, 2, 64, 1_024, 1_048_576])('is exact for responses of %d tokens, which is a bucket’s edge', (length) => {
  expect(taught(Array(30).fill(length)).tokens).toBe(Math.max(1, length))
})

it('lies between the percentile of the weighted responses and 19 % or one token above it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 900_000 }), { minLength: MIN_RESPONSES, maxLength: 300 }),
      (lengths) => {
        const truth = weightedPercentile(lengths)
        const { tokens = Number.NaN } = taught(lengths)
        expect(tokens).toBeGreaterThanOrEqual(truth)
        expect(tokens).toBeLessThanOrEqual(Math.ceil(Math.max(1, truth) * 2 ** 0.25))
      },
    ),
  )
})

it('is infinite while maxima cut responses off, and finite again when they no longer do', () => {
  const output = taught(Array(30).fill(16), true)
  expect(output.tokens).toBe(Number.POSITIVE_INFINITY)
  for (let i = 0; i < 400; i++) output.learn(16, false)
  expect(output.tokens).toBe(16)
})

it('is finite with one response in thirty cut off', () => {
  const output = taught(Array(29).fill(16))
  output.learn(4, true)
  expect(output.tokens).toBe(16)
})

it('forgets old responses', () => {
  expect(taught([...Array(500).fill(4_096), ...Array(400).fill(16)]).tokens).toBe(16)
})

it('ignores values that are no length, and is infinite for lengths beyond the last bucket', () => {
  expect(taught(Array(30).fill(Number.NaN)).tokens).toBeUndefined()
  expect(taught(Array(30).fill(-1)).tokens).toBeUndefined()
  expect(taught(Array(30).fill(1e300)).tokens).toBe(Number.POSITIVE_INFINITY)
})

/** Returns the smallest length that at least 95 % of the responses' weight, by age, does not exceed. */
function weightedPercentile(lengths: readonly number[]): number {
  const weighted = lengths.map((length, i) => ({ length, weight: 0.99 ** (lengths.length - 1 - i) }))
  const total = weighted.reduce((sum, { weight }) => sum + weight, 0)
  let above = total * 0.05 - 1e-9 * total
  for (const { length, weight } of weighted.sort((a, b) => b.length - a.length)) {
    above -= weight
    if (above < 0) return length
  }
  return 0
}
