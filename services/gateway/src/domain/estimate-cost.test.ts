import fc from 'fast-check'
import { expect, it } from 'vitest'
import { estimateCost, MAX_TOKENS } from './estimate-cost.ts'

const REQUEST = { model: 'm', streamed: false, promptBytes: 400, mediaParts: 0, outputs: 1, addsUsage: false }

it.each([
  ['a stated maximum', { maxOutputTokens: 50 }, {}, 100 + 50],
  ['no maximum', {}, {}, 100 + 1_024],
  ['no maximum, under a large limit', {}, { smallestTokenLimit: 100_000 }, 100 + 1_024],
  ['no maximum, under a small limit', {}, { smallestTokenLimit: 1_009 }, 100 + 100],
  ['no maximum, under a tiny limit', {}, { smallestTokenLimit: 5 }, 100 + 1],
  ['no output', { maxOutputTokens: 0 }, {}, 100],
  ['several outputs', { maxOutputTokens: 50, outputs: 3 }, {}, 100 + 150],
  ['images', { maxOutputTokens: 0, mediaParts: 2 }, {}, 100 + 1_600],
  ['an odd prompt', { maxOutputTokens: 0, promptBytes: 401 }, {}, 101],
])('reserves for %s', (_, request, defaults, expected) => {
  const estimate = estimateCost({ ...REQUEST, ...request }, { defaultMaxOutputTokens: 1_024, ...defaults })
  expect(estimate.tokens).toBe(expected)
})

it('is a whole number that an exchange takes, whatever is stated', () => {
  const count = fc.oneof(fc.nat(), fc.double({ min: 0, noNaN: true }).map(Math.ceil))
  fc.assert(
    fc.property(count, count, count, (promptBytes, maxOutputTokens, outputs) => {
      const request = { ...REQUEST, promptBytes, maxOutputTokens, outputs: Math.max(1, outputs) }
      const { tokens, promptTokens } = estimateCost(request, { defaultMaxOutputTokens: 1 })
      for (const value of [tokens, promptTokens]) {
        expect(Number.isInteger(value) && value >= 0 && value <= MAX_TOKENS).toBe(true)
      }
    }),
  )
})
