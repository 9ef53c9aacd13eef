import { describe, expect, it } from 'vitest'
import { chargedUsage, isUnread } from './charged-usage.ts'

const ESTIMATE = { tokens: 500, promptTokens: 100, outputTokens: 400 }
const USAGE = { inputTokens: 90, outputTokens: 30, cachedInputTokens: 0, reasoningTokens: 0 }
const PARTS = { cachedInputTokens: 0, reasoningTokens: 0 }
const ENDED = {
  sent: true,
  status: 200,
  interruptedBy: undefined,
  errorStatus: undefined,
  reportsUsage: true,
  usage: undefined,
}

describe('usage of which a part is not known', () => {
  it.each([
    [{ inputTokens: 90, ...PARTS }, 0, { inputTokens: 90, outputTokens: 400 }],
    [{ inputTokens: 90, ...PARTS }, 30, { inputTokens: 90, outputTokens: 400 }],
    [{ inputTokens: 90, ...PARTS }, 700, { inputTokens: 90, outputTokens: 700 }],
    [{ outputTokens: 30, ...PARTS }, 0, { inputTokens: 100, outputTokens: 30 }],
  ])('of %j with %d tokens seen is charged as %j', (partialUsage, outputTokensSeen, expected) => {
    expect(chargedUsage({ ...ENDED, partialUsage, outputTokensSeen }, ESTIMATE)).toEqual({ ...PARTS, ...expected })
  })

  it.each([
    [{ inputTokens: 90, ...PARTS }, 0, { inputTokens: 90, outputTokens: 400 }],
    [{ inputTokens: 90, ...PARTS }, 30, { inputTokens: 90, outputTokens: 30 }],
    [{ inputTokens: 90, ...PARTS }, 700, { inputTokens: 90, outputTokens: 700 }],
    [{ outputTokens: 30, ...PARTS }, 40, { inputTokens: 100, outputTokens: 30 }],
  ])('of a response that was broken off, %j with %d tokens seen, is charged as %j', (partialUsage, seen, expected) => {
    const end = { ...ENDED, interruptedBy: 'client' as const, partialUsage, outputTokensSeen: seen }
    expect(chargedUsage(end, ESTIMATE)).toEqual({ ...PARTS, ...expected })
  })

  it.each([
    [0, 400],
    [2, 2],
  ])('does not take 0 for the output of a response that was broken off, with %d tokens seen', (seen, outputTokens) => {
    const usage = { ...USAGE, outputTokens: 0 }
    const end = { ...ENDED, usage, outputTokensSeen: seen }
    expect(chargedUsage({ ...end, interruptedBy: 'client' }, ESTIMATE)).toEqual({ ...USAGE, outputTokens })
    expect(chargedUsage(end, ESTIMATE)).toEqual(usage)
  })

  it.each([
    [undefined, { inputTokens: 90, ...PARTS }],
    [{ ...USAGE, outputTokens: 0 }, undefined],
  ])(
    'stays charged as reserved where the provider goes on after the stream broke off: %j, %j',
    (usage, partialUsage) => {
      const end = { ...ENDED, interruptedBy: 'client' as const, usage, partialUsage, outputTokensSeen: 2 }
      expect(chargedUsage(end, ESTIMATE, true)).toEqual({ ...USAGE, outputTokens: 400 })
    },
  )

  it('is not known where nothing is', () => {
    expect(chargedUsage({ ...ENDED, outputTokensSeen: 9 }, ESTIMATE)).toBeUndefined()
  })
})

describe('a response is unread', () => {
  it.each([
    ['that reported nothing', {}, true],
    ['unless it reported its usage', { usage: USAGE }, false],
    ['unless its operation reports none', { reportsUsage: false }, false],
    ['unless it was broken off', { interruptedBy: 'client' as const }, false],
    ['unless it ended with an error', { errorStatus: 500 }, false],
    ['unless it was no success', { status: 429 }, false],
    ['unless it never was', { sent: false, status: undefined }, false],
  ])('%s', (_, end, expected) => {
    expect(isUnread({ ...ENDED, ...end }, ESTIMATE)).toBe(expected)
  })

  it('unless nothing was reserved for it', () => {
    expect(isUnread(ENDED, { tokens: 0, promptTokens: 0, outputTokens: 0 })).toBe(false)
  })
})
