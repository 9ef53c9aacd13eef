import { expect, it } from 'vitest'
import type { Denial } from '../core/rate-limiter.ts'
import type { ProviderResponse } from '../core/responses.ts'
import { failure, maskApiKey } from './errors.ts'

const account = { apiKey: 'sk-a', organization: 'org-mine' }
const denial: Denial = {
  metric: 'tokens',
  limit: 10_000,
  period: 'minute',
  remaining: 1446,
  resetMs: 51_324,
  requested: 3082,
  waitMs: 9815.2,
}

it('says in the words of the API which limit is reached and for how long', () => {
  const response = failure({ kind: 'rate-limited', account, model: 'gpt-4', denial })
  expect(response.status).toBe(429)
  expect(response.headers).toMatchObject({ 'retry-after': '10', 'retry-after-ms': '9816' })
  expect(errorOf(response)).toEqual({
    message:
      'Rate limit reached for gpt-4 in organization org-mine on tokens per min (TPM): Limit 10000, Used 8554, ' +
      'Requested 3082. Please try again in 9.816s. Visit https://platform.openai.com/account/rate-limits to learn more.',
    type: 'tokens',
    param: null,
    code: 'rate_limit_exceeded',
  })
})

it('has no retry time for a request that is too large', () => {
  const { waitMs: _, ...tooLarge } = denial
  const response = failure({
    kind: 'rate-limited',
    account,
    model: 'gpt-4',
    denial: { ...tooLarge, requested: 10_001 },
  })
  expect(response.headers).not.toHaveProperty('retry-after')
  expect(errorOf(response).message).toMatch(/^Request too large for gpt-4 .* Limit 10000, Requested 10001\. The input/)
})

it.each([
  ['minute', 'requests per min (RPM)'],
  ['hour', 'requests per hour (RPH)'],
  ['day', 'requests per day (RPD)'],
] as const)('names a limit per %s', (period, name) => {
  const response = failure({
    kind: 'rate-limited',
    account,
    model: 'gpt-4',
    denial: { ...denial, metric: 'requests', period },
  })
  expect(errorOf(response)).toMatchObject({ type: 'requests', message: expect.stringContaining(` on ${name}: Limit`) })
})

it.each([
  ['sk-proj-0123456789MxYA', 'sk-proj-**********MxYA'],
  ['sk-short-key', 'sk-short-key'],
  ['', ''],
])('masks %j', (apiKey, masked) => {
  expect(maskApiKey(apiKey)).toBe(masked)
})

it('repeats a key in full only on demand', () => {
  const apiKey = 'sk-proj-0123456789MxYA'
  const masked = errorOf(failure({ kind: 'unknown-api-key', apiKey, echo: false }))
  const echoed = errorOf(failure({ kind: 'unknown-api-key', apiKey, echo: true }))
  expect(masked.message).not.toContain(apiKey)
  expect(echoed.message).toContain(apiKey)
})

function errorOf(response: ProviderResponse): { message: string } {
  if (response.kind !== 'body') throw new Error('an error is no stream')
  return JSON.parse(response.body).error
}
