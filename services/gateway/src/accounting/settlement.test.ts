import { describe, expect, it } from 'vitest'
import {
  type CallEnd,
  chargedUsage,
  coolDownOf,
  isUnread,
  outcomeOf,
  type RateLimited,
  settledCost,
} from './settlement.ts'

const ESTIMATE = { tokens: 500, promptTokens: 100, outputTokens: 400 }
const USAGE = { inputTokens: 90, outputTokens: 30, cachedInputTokens: 10, reasoningTokens: 5 }
const REFUSED: RateLimited = { model: 'm', pool: '', tokens: 500, nothingRemains: () => false }
const SUCCESSFUL: CallEnd = { sent: true, status: 200, outputTokensSeen: 0 }

describe('the cost of a request', () => {
  it.each([
    ['responded to, usage known', { usage: USAGE }, 1, 120],
    ['responded to, usage known and larger than reserved', { usage: { ...USAGE, outputTokens: 900 } }, 1, 990],
    ['responded to, usage unknown', {}, 1, 500],
    ['streamed, usage unknown', { outputTokensSeen: 7 }, 1, 107],
    ['broken off by the provider', { interruptedBy: 'provider', outputTokensSeen: 7 }, 1, 107],
    ['broken off by the client', { interruptedBy: 'client', outputTokensSeen: 7 }, 1, 107],
    ['broken off before any output', { interruptedBy: 'client' }, 1, 500],
    ['broken off after its usage', { interruptedBy: 'client', usage: USAGE, outputTokensSeen: 30 }, 1, 120],
    ['refused with 400', { status: 400 }, 1, 0],
    ['refused with 429', { status: 429 }, 1, 0],
    ['failed with 500', { status: 500 }, 1, 0],
    ['redirected', { status: 302 }, 1, 0],
    ['sent and got no response', { status: undefined, interruptedBy: 'timeout' }, 1, 500],
    ['never sent', { sent: false, status: undefined, interruptedBy: 'provider' }, 0, 0],
    ['usage beyond all bounds', { usage: { ...USAGE, outputTokens: Number.MAX_SAFE_INTEGER } }, 1, 1e12],
  ] as const)('of a call that was %s', (_, end, requests, tokens) => {
    const { status = 'none', ...rest } = { ...SUCCESSFUL, ...end }
    const facts = status === 'none' ? rest : { ...rest, status }
    expect(settledCost(facts, { estimate: ESTIMATE, connection: { countsParts: false } })).toEqual({ requests, tokens })
  })
})

describe('the outcome of a request', () => {
  it.each([
    [{}, 'success'],
    [{ status: 404 }, 'client_error'],
    [{ status: 429 }, 'upstream_429'],
    [{ status: 529 }, 'upstream_error'],
    [{ status: 404, interruptedBy: 'client' }, 'client_error'],
    [{ interruptedBy: 'client' }, 'aborted'],
    [{ interruptedBy: 'provider' }, 'upstream_error'],
    [{ interruptedBy: 'timeout' }, 'timeout'],
    [{ errorStatus: 429 }, 'upstream_429'],
    [{ errorStatus: 529 }, 'upstream_error'],
    [{ errorStatus: 400 }, 'upstream_error'],
    [{ errorStatus: 429, interruptedBy: 'client' }, 'upstream_429'],
  ] as const)('of %j is %s', (end, outcome) => {
    expect(outcomeOf({ ...SUCCESSFUL, ...end })).toBe(outcome)
  })
})

describe('the cool-down after a 429', () => {
  it.each([
    [
      { status: 429, retryAfterMs: 1_500.2 },
      { model: 'm', durationMs: 1_501 },
    ],
    [
      { status: 429, retryAfterMs: 1e12 },
      { model: 'm', durationMs: 3_600_000 },
    ],
    [
      { errorStatus: 429, retryAfterMs: 1_500 },
      { model: 'm', durationMs: 1_500 },
    ],
    [{ status: 429, retryAfterMs: 0 }, undefined],
    [{ errorStatus: 503, retryAfterMs: 1_500 }, undefined],
    [{ status: 429 }, undefined],
    [{ status: 503, retryAfterMs: 1_500 }, undefined],
  ])('of %j is %j', (end, coolDown) => {
    expect(coolDownOf({ ...SUCCESSFUL, ...end }, REFUSED)).toEqual(coolDown)
  })

  it.each([
    [{ pool: 'flex' }, { pool: 'flex' }],
    [{ tokens: 1_023 }, {}],
    [{ tokens: 1_024 }, { minTokens: 1_024 }],
    [{ tokens: 5_000 }, { minTokens: 4_096 }],
    [{ tokens: 1e12 }, { minTokens: 4 ** 19 }],
    [{ tokens: 5_000, nothingRemains: () => true }, {}],
  ])('of a request with %j is for %j', (refused, concerned) => {
    const end = { ...SUCCESSFUL, status: 429, retryAfterMs: 7 }
    expect(coolDownOf(end, { ...REFUSED, ...refused })).toEqual({ model: 'm', durationMs: 7, ...concerned })
  })

  it('applies to every request of the refused one’s size', () => {
    for (let tokens = 1; tokens < 1e12; tokens = Math.ceil(tokens * 1.37)) {
      const { minTokens = 0 } =
        coolDownOf({ ...SUCCESSFUL, status: 429, retryAfterMs: 7 }, { ...REFUSED, tokens }) ?? {}
      expect(minTokens).toBeLessThanOrEqual(tokens)
      expect(4 * Math.max(minTokens, 256)).toBeGreaterThan(tokens)
    }
  })

  it('is no longer for calls without a model', () => {
    const coolDown = coolDownOf({ ...SUCCESSFUL, status: 429, retryAfterMs: 1e12 }, { ...REFUSED, model: '' })
    expect(coolDown).toEqual({ model: '', durationMs: 3_600_000 })
  })
})

const REPORTED = { inputTokens: 90, outputTokens: 30, cachedInputTokens: 0, reasoningTokens: 0 }
const PARTS = { cachedInputTokens: 0, reasoningTokens: 0 }
const ENDED = {
  sent: true,
  status: 200,
  interruptedBy: undefined,
  errorStatus: undefined,
  reportsUsage: true,
  usage: undefined,
}

describe('usage with an unknown part', () => {
  it.each([
    [{ inputTokens: 90, ...PARTS }, 0, { inputTokens: 90, outputTokens: 400 }],
    [{ inputTokens: 90, ...PARTS }, 30, { inputTokens: 90, outputTokens: 400 }],
    [{ inputTokens: 90, ...PARTS }, 700, { inputTokens: 90, outputTokens: 700 }],
    [{ outputTokens: 30, ...PARTS }, 0, { inputTokens: 100, outputTokens: 30 }],
  ])('of %j with %d relayed tokens is charged as %j', (partialUsage, outputTokensSeen, expected) => {
    expect(chargedUsage({ ...ENDED, partialUsage, outputTokensSeen }, ESTIMATE)).toEqual({ ...PARTS, ...expected })
  })

  it.each([
    [{ inputTokens: 90, ...PARTS }, 0, { inputTokens: 90, outputTokens: 400 }],
    [{ inputTokens: 90, ...PARTS }, 30, { inputTokens: 90, outputTokens: 30 }],
    [{ inputTokens: 90, ...PARTS }, 700, { inputTokens: 90, outputTokens: 700 }],
    [{ outputTokens: 30, ...PARTS }, 40, { inputTokens: 100, outputTokens: 30 }],
  ])('of an interrupted response, %j with %d relayed tokens, is charged as %j', (partialUsage, seen, expected) => {
    const end = { ...ENDED, interruptedBy: 'client' as const, partialUsage, outputTokensSeen: seen }
    expect(chargedUsage(end, ESTIMATE)).toEqual({ ...PARTS, ...expected })
  })

  it.each([
    [0, 400],
    [2, 2],
  ])('does not take 0 as the output of an interrupted response, with %d relayed tokens', (seen, outputTokens) => {
    const usage = { ...REPORTED, outputTokens: 0 }
    const end = { ...ENDED, usage, outputTokensSeen: seen }
    expect(chargedUsage({ ...end, interruptedBy: 'client' }, ESTIMATE)).toEqual({ ...REPORTED, outputTokens })
    expect(chargedUsage(end, ESTIMATE)).toEqual(usage)
  })

  it.each([
    [undefined, { inputTokens: 90, ...PARTS }],
    [{ ...REPORTED, outputTokens: 0 }, undefined],
  ])(
    'stays charged as reserved where the provider goes on after the stream broke off: %j, %j',
    (usage, partialUsage) => {
      const end = { ...ENDED, interruptedBy: 'client' as const, usage, partialUsage, outputTokensSeen: 2 }
      expect(chargedUsage(end, ESTIMATE, true)).toEqual({ ...REPORTED, outputTokens: 400 })
    },
  )

  it('is unknown if no part is known', () => {
    expect(chargedUsage({ ...ENDED, outputTokensSeen: 9 }, ESTIMATE)).toBeUndefined()
  })
})

describe('the usage of a response is unread', () => {
  it.each([
    ['that reported nothing', {}, true],
    ['unless it reported its usage', { usage: REPORTED }, false],
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
