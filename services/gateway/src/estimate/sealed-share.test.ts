import fc from 'fast-check'
import { expect, it } from 'vitest'
import { mostTokensOf, SealedShare } from './sealed-share.ts'

function taught(...tokens: readonly number[]): SealedShare {
  const share = new SealedShare()
  for (const count of tokens) share.learn(4_000, count)
  return share
}

it('expects nothing before anything is learned', () => {
  expect(new SealedShare().tokensOf(6_000)).toBe(0)
})

it('learns within three requests that a provider counts all of it', () => {
  expect(taught(1_000, 1_000, 1_000).tokensOf(4_000)).toBeGreaterThan(950)
})

it('learns that a provider counts a part of it', () => {
  expect(taught(...Array<number>(20).fill(250)).tokensOf(8_000)).toBeCloseTo(500, -1)
})

it('expects nothing if the unexplained tokens are as often negative as positive', () => {
  expect(taught(50, -50, 80, -90, 30, -40).tokensOf(4_000)).toBeLessThan(20)
  expect(taught(-900, -900).tokensOf(4_000)).toBe(0)
})

it('forgets old requests', () => {
  expect(taught(...Array<number>(20).fill(1_000), ...Array<number>(30).fill(0)).tokensOf(4_000)).toBeLessThan(60)
})

it('stays between none and all, whatever it learns', () => {
  const count = fc.double({ min: -1e15, max: 1e15, noNaN: true })
  fc.assert(
    fc.property(fc.array(fc.tuple(count, count)), fc.nat(), (lessons, sealedBytes) => {
      const share = new SealedShare()
      for (const [bytes, tokens] of lessons) share.learn(bytes, tokens)
      const tokens = share.tokensOf(sealedBytes)
      expect(tokens >= 0 && tokens <= mostTokensOf(sealedBytes)).toBe(true)
      expect(SealedShare.from(share.state).tokensOf(sealedBytes)).toBe(tokens)
    }),
  )
})
