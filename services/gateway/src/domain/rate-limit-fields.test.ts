import { expect, it } from 'vitest'
import { rateLimitFields } from './rate-limit-fields.ts'

it('words every limit as the draft has it', () => {
  expect(
    rateLimitFields([
      { period: 'minute', metric: 'requests', limit: 100, remaining: 99, resetMs: 11_001 },
      { period: 'day', metric: 'tokens', limit: 5_000, remaining: 0, resetMs: 86_400_000 },
    ]),
  ).toEqual({
    policy: '"minute-requests";q=100;w=60, "day-tokens";q=5000;w=86400',
    limits: '"minute-requests";r=99;t=12, "day-tokens";r=0;t=86400',
  })
})

it('says nothing where there are no limits', () => {
  expect(rateLimitFields([])).toBeUndefined()
})
