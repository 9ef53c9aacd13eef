import { expect, it } from 'vitest'
import { CachedShares, MAX_MODELS } from './cached-share.ts'

const usage = (inputTokens: number, cachedInputTokens: number) => ({
  inputTokens,
  cachedInputTokens,
  outputTokens: 1,
  reasoningTokens: 0,
})

it('expects nothing to be cached for an unknown model', () => {
  expect(new CachedShares().expectedOf('m', 45_000)).toBe(0)
})

it('expects the share of the latest prompts, from the first one on', () => {
  const shares = new CachedShares()
  shares.learn('m', usage(45_000, 44_600))
  const afterOne = shares.expectedOf('m', 45_000)
  expect(afterOne).toBeGreaterThan(44_200)
  expect(afterOne).toBeLessThan(44_600)
  expect(shares.expectedOf('other', 45_000)).toBe(0)
  for (let i = 0; i < 30; i++) shares.learn('m', usage(45_000, 0))
  expect(shares.expectedOf('m', 45_000)).toBeLessThan(2_000)
})

it('weighs prompts by their length', () => {
  const shares = new CachedShares()
  for (let i = 0; i < 50; i++) {
    shares.learn('m', usage(45_000, 44_600))
    shares.learn('m', usage(100, 0))
  }
  expect(shares.expectedOf('m', 45_000)).toBeGreaterThan(44_000)
})

it('never expects more than the prompt, whatever is reported', () => {
  const shares = new CachedShares()
  shares.learn('m', usage(10, 5_000))
  shares.learn('m', usage(0, 5_000))
  expect(shares.expectedOf('m', 1_000)).toBeLessThanOrEqual(1_000)
})

it('forgets the model about which it learned longest ago', () => {
  const shares = new CachedShares()
  for (let i = 0; i <= MAX_MODELS; i++) shares.learn(`m${i}`, usage(45_000, 44_600))
  expect(shares.expectedOf('m0', 45_000)).toBe(0)
  expect(shares.expectedOf('m1', 45_000)).toBeGreaterThan(0)
})
