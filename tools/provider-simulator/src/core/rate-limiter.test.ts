import { describe, expect, it } from 'vitest'
import { createRateLimiter } from './rate-limiter.ts'

describe('a rate limiter', () => {
  it('admits everything without limits, and has nothing to tell', () => {
    const limiter = createRateLimiter({}, 0)
    expect(limiter.admit(1_000_000, 0)).toEqual({ status: 'admitted' })
    expect(limiter.statuses(0)).toEqual({})
  })

  it('charges neither metric when one does not fit', () => {
    const limiter = createRateLimiter(
      { requests: { limit: 10, period: 'minute' }, tokens: { limit: 100, period: 'minute' } },
      0,
    )
    limiter.admit(90, 0)
    expect(limiter.admit(20, 0)).toMatchObject({
      status: 'denied',
      denial: { metric: 'tokens', limit: 100, remaining: 10, requested: 20, waitMs: 6000 },
    })
    expect(limiter.statuses(0)).toMatchObject({ requests: { remaining: 9 }, tokens: { remaining: 10 } })
  })

  it('names the metric that takes longest to free up', () => {
    const limiter = createRateLimiter(
      { requests: { limit: 1, period: 'day' }, tokens: { limit: 10, period: 'minute' } },
      0,
    )
    limiter.admit(10, 0)
    expect(limiter.admit(10, 0)).toMatchObject({ denial: { metric: 'requests', waitMs: 86_400_000 } })
  })

  it('names no time for a request that exceeds the whole limit', () => {
    const limiter = createRateLimiter({ tokens: { limit: 10, period: 'minute' } }, 0)
    const admission = limiter.admit(11, 0)
    expect(admission).toMatchObject({ status: 'denied', denial: { metric: 'tokens', requested: 11 } })
    expect(admission).not.toHaveProperty('denial.waitMs')
  })
})
