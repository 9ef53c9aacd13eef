import { expect, it } from 'vitest'
import { createRateLimiter } from '../core/rate-limiter.ts'
import { goDuration, headers } from './headers.ts'

it.each([
  [0, '0s'],
  [0.9, '0s'],
  [1.2, '1ms'],
  [120, '120ms'],
  [999.999, '999ms'],
  [1000, '1s'],
  [8640, '8.64s'],
  [9816, '9.816s'],
  [59_999, '59.999s'],
  [60_000, '1m0s'],
  [90_500, '1m30.5s'],
  [360_000, '6m0s'],
  [3_600_000, '1h0m0s'],
  [86_400_000, '24h0m0s'],
  [86_399_990, '23h59m59.99s'],
])('writes %d ms as %s', (durationMs, expected) => {
  expect(goDuration(durationMs)).toBe(expected)
})

const account = { apiKey: 'sk-a', organization: 'org-mine' }

// Recorded from the real API, after one request on such limits.
it.each([
  [4, '199996', '1ms'],
  [8, '199992', '2ms'],
  [13, '199987', '3ms'],
  [2, '199998', '0s'],
])('reports the limits after one request of %i tokens', (tokens, remainingTokens, resetTokens) => {
  const limiter = createRateLimiter(
    { requests: { limit: 500, period: 'minute' }, tokens: { limit: 200_000, period: 'minute' } },
    0,
  )
  limiter.admit({ inputTokens: tokens, outputTokens: 0 }, 0)
  const sent = headers({ account, arrivedAtMs: 0, limits: limiter.statuses(0), processingMs: 16.7, requestId: 'abc' })
  expect(Object.fromEntries(Object.entries(sent).map(([name, value]) => [name, String(value)]))).toEqual({
    'x-request-id': 'req_abc',
    'openai-version': '2020-10-01',
    'openai-organization': 'org-mine',
    'openai-processing-ms': '17',
    'x-ratelimit-limit-requests': '500',
    'x-ratelimit-remaining-requests': '499',
    'x-ratelimit-reset-requests': '120ms',
    'x-ratelimit-limit-tokens': '200000',
    'x-ratelimit-remaining-tokens': remainingTokens,
    'x-ratelimit-reset-tokens': resetTokens,
  })
})

it('measures the reset until the limit is wholly free again', () => {
  const limiter = createRateLimiter({ requests: { limit: 10_000, period: 'day' } }, 0)
  limiter.admit({ inputTokens: 1, outputTokens: 0 }, 0)
  expect(
    headers({ account, arrivedAtMs: 0, limits: limiter.statuses(0), processingMs: 0, requestId: 'a' }),
  ).toMatchObject({
    'x-ratelimit-reset-requests': '8.64s',
  })
  for (let index = 0; index < 9_999; index++) limiter.admit({ inputTokens: 1, outputTokens: 0 }, 0)
  expect(
    headers({ account, arrivedAtMs: 0, limits: limiter.statuses(0), processingMs: 0, requestId: 'a' }),
  ).toMatchObject({
    'x-ratelimit-remaining-requests': 0,
    'x-ratelimit-reset-requests': '24h0m0s',
  })
})

it('sends only the request id to an unknown caller', () => {
  expect(headers({ arrivedAtMs: 0, processingMs: 3, requestId: 'abc' })).toEqual({ 'x-request-id': 'req_abc' })
})
