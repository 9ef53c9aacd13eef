import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MAX_BYTES_PER_TOKEN, MIN_BYTES_PER_TOKEN, START_BYTES_PER_TOKEN, TokenRatio } from './token-ratio.ts'

const taught = (bytesPerToken: number, requests = 30, promptBytes = 10_000) => {
  const ratio = new TokenRatio()
  for (let i = 0; i < requests; i++) ratio.learn(promptBytes, promptBytes / bytesPerToken)
  return ratio
}

it('starts at four bytes per token', () => {
  expect(new TokenRatio().tokensOf(4_001)).toBe(1_001)
})

it.each([1.2, 1.5, 3, 5, 8, 11])('learns %d bytes per token', (bytesPerToken) => {
  expect(taught(bytesPerToken).bytesPerToken / bytesPerToken).toBeCloseTo(1, 1)
})

it('learns from prompts of every size', () => {
  for (const promptBytes of [40, 1_000, 10_000_000]) expect(taught(3, 30, promptBytes).bytesPerToken).toBeCloseTo(3, 1)
})

it.each([
  ['far too many tokens', 1e12],
  ['far too few tokens', 1],
])('changes by a fifth at most when one request has %s', (_, inputTokens) => {
  const ratio = taught(4)
  ratio.learn(10_000, inputTokens)
  expect(ratio.bytesPerToken).toBeGreaterThan(4 * 0.8)
  expect(ratio.bytesPerToken).toBeLessThan(4 * 1.2)
})

it('bounds the weight of one huge prompt', () => {
  const ratio = taught(3)
  ratio.learn(100_000_000, 20_000_000)
  for (let i = 0; i < 40; i++) ratio.learn(10_000, 10_000 / 3)
  expect(ratio.bytesPerToken).toBeCloseTo(3, 1)
})

it('adapts faster to prompts that cost more than to prompts that cost less', () => {
  const [dearer, cheaper] = [taught(4), taught(4)]
  for (let i = 0; i < 3; i++) {
    dearer.learn(10_000, 10_000)
    cheaper.learn(10_000, 10_000 / 16)
  }
  expect(4 / dearer.bytesPerToken).toBeGreaterThan(cheaper.bytesPerToken / 4)
})

it('does not estimate a large prompt by small ones that were cheap', () => {
  const ratio = taught(9, 30, 100)
  const [small, large] = [100, 100_000]
  expect(ratio.tokensOf(small)).toBeLessThan(small / 8)
  expect(ratio.tokensOf(large)).toBeGreaterThan((large / START_BYTES_PER_TOKEN) * 0.98)
})

it('ignores counts that are not positive', () => {
  const ratio = new TokenRatio()
  for (const [promptBytes, inputTokens] of [
    [0, 5],
    [5, 0],
    [Number.NaN, 5],
    [5, Number.NaN],
  ] as const) {
    ratio.learn(promptBytes, inputTokens)
  }
  expect(ratio.bytesPerToken).toBe(START_BYTES_PER_TOKEN)
})

it('stays within its bounds, with whole counts that grow with the prompt, whatever it learns', () => {
  const count = fc.oneof(fc.nat(), fc.double({ min: 0 }))
  fc.assert(
    fc.property(fc.array(fc.tuple(count, count)), fc.nat(), fc.nat(), (requests, one, other) => {
      const ratio = new TokenRatio()
      for (const [promptBytes, inputTokens] of requests) ratio.learn(promptBytes, inputTokens)
      expect(ratio.bytesPerToken).toBeGreaterThanOrEqual(MIN_BYTES_PER_TOKEN * 0.999)
      expect(ratio.bytesPerToken).toBeLessThanOrEqual(MAX_BYTES_PER_TOKEN * 1.001)
      const [fewer, more] = [Math.min(one, other), Math.max(one, other)]
      expect(Number.isInteger(ratio.tokensOf(fewer))).toBe(true)
      expect(ratio.tokensOf(more)).toBeGreaterThanOrEqual(ratio.tokensOf(fewer))
    }),
  )
})
