import { describe, expect, it } from 'vitest'
import { createRateLimiter } from './rate-limiter.ts'

describe('a rate limiter', () => {
  it('admits everything without limits, and reports none', () => {
    const limiter = createRateLimiter({}, 0)
    expect(limiter.admit(input(1_000_000), 0)).toEqual({ status: 'admitted' })
    expect(limiter.statuses(0)).toEqual({})
  })

  it('charges neither metric when one does not fit', () => {
    const limiter = createRateLimiter(
      { requests: { limit: 10, period: 'minute' }, tokens: { limit: 100, period: 'minute' } },
      0,
    )
    limiter.admit(input(90), 0)
    expect(limiter.admit(input(20), 0)).toMatchObject({
      status: 'denied',
      denial: { metric: 'tokens', limit: 100, remaining: 10, requested: 20, waitMs: 6000 },
    })
    expect(limiter.statuses(0)).toMatchObject({ requests: { remaining: 9 }, tokens: { remaining: 10 } })
  })

  it('names the metric that takes longest to refill', () => {
    const limiter = createRateLimiter(
      { requests: { limit: 1, period: 'day' }, tokens: { limit: 10, period: 'minute' } },
      0,
    )
    limiter.admit(input(10), 0)
    expect(limiter.admit(input(10), 0)).toMatchObject({ denial: { metric: 'requests', waitMs: 86_400_000 } })
  })

  it('returns no wait for a request that exceeds the whole limit', () => {
    const limiter = createRateLimiter({ tokens: { limit: 10, period: 'minute' } }, 0)
    const admission = limiter.admit(input(11), 0)
    expect(admission).toMatchObject({ status: 'denied', denial: { metric: 'tokens', requested: 11 } })
    expect(admission).not.toHaveProperty('denial.waitMs')
  })

  it('counts input and output separately and together', () => {
    const minute = (limit: number) => ({ limit, period: 'minute' as const })
    const limiter = createRateLimiter({ tokens: minute(100), inputTokens: minute(50), outputTokens: minute(60) }, 0)
    expect(limiter.admit({ inputTokens: 20, outputTokens: 30 }, 0)).toEqual({ status: 'admitted' })
    expect(limiter.statuses(0)).toMatchObject({
      tokens: { remaining: 50 },
      inputTokens: { remaining: 30 },
      outputTokens: { remaining: 30 },
    })
    expect(limiter.admit({ inputTokens: 1, outputTokens: 31 }, 0)).toMatchObject({
      denial: { metric: 'outputTokens', limit: 60, remaining: 30, requested: 31 },
    })
  })
})

function input(inputTokens: number) {
  return { inputTokens, outputTokens: 0 }
}
