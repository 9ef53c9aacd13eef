import { describe, expect, it } from 'vitest'
import { openAiRateLimitHeaders, openAiRetryAfterMs, readOpenAiRateLimits } from './rate-limit-headers.ts'

const HEADERS = {
  'content-type': 'application/json',
  'openai-organization': 'acme',
  'x-ratelimit-limit-requests': '500',
  'x-ratelimit-limit-tokens': '200000',
  'x-ratelimit-remaining-requests': '499',
  'x-ratelimit-remaining-tokens': '199996',
  'x-ratelimit-reset-requests': '120ms',
  'x-ratelimit-reset-tokens': '6m0s',
}
const RECEIVED_AT_MS = Date.UTC(2026, 0, 1)

it('reads each dimension', () => {
  expect(readOpenAiRateLimits(HEADERS)).toEqual([
    { dimension: 'requests', limit: 500, remaining: 499, resetMs: 120 },
    { dimension: 'tokens', limit: 200_000, remaining: 199_996, resetMs: 360_000 },
  ])
})

it('leaves out what is absent or illegible, and never makes it zero', () => {
  expect(
    readOpenAiRateLimits({
      'x-ratelimit-limit-requests': '',
      'x-ratelimit-remaining-requests': '12',
      'x-ratelimit-reset-requests': 'soon',
      'x-ratelimit-limit-tokens': '1e3',
      'x-ratelimit-limit-': '5',
    }),
  ).toEqual([{ dimension: 'requests', remaining: 12 }])
  expect(readOpenAiRateLimits({})).toEqual([])
})

it('keeps the headers on limits and no other', () => {
  const { 'content-type': _, 'openai-organization': __, ...limits } = HEADERS
  expect(openAiRateLimitHeaders({ ...HEADERS, 'retry-after': '2', 'set-cookie': ['a=b'] })).toEqual({
    ...limits,
    'retry-after': '2',
  })
  expect(openAiRateLimitHeaders({ 'content-type': 'text/plain' })).toBeUndefined()
})

describe('the retry time of a 429', () => {
  it.each([
    [{ 'retry-after-ms': '1250', 'retry-after': '2' }, 1_250],
    [{ 'retry-after': '2' }, 2_000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after': new Date(RECEIVED_AT_MS + 7_000).toUTCString() }, 7_000],
    [{ 'retry-after': new Date(RECEIVED_AT_MS - 7_000).toUTCString() }, 0],
    [{ 'retry-after': 'later' }, undefined],
    [{}, undefined],
    [HEADERS, undefined],
    [{ ...HEADERS, 'x-ratelimit-remaining-requests': '0' }, 120],
    [{ ...HEADERS, 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-remaining-tokens': '0' }, 360_000],
    [{ ...HEADERS, 'x-ratelimit-remaining-tokens': '0', 'retry-after': '1' }, 1_000],
  ])('by %j is %j', (headers, expected) => {
    expect(openAiRetryAfterMs(headers, RECEIVED_AT_MS)).toBe(expected)
  })
})
