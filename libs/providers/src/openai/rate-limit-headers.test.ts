import type { RateLimitReading } from '@sluice/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { WireHeaders } from '../provider-adapter.ts'
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
const REQUESTS = {
  'x-ratelimit-limit-requests': '500',
  'x-ratelimit-remaining-requests': '499',
  'x-ratelimit-reset-requests': '120ms',
}
const RECEIVED_AT_MS = Date.UTC(2026, 0, 1)

it('reads each dimension', () => {
  expect(readOpenAiRateLimits(HEADERS)).toEqual([
    { dimension: 'requests', limit: 500, remaining: 499, resetMs: 120 },
    { dimension: 'tokens', limit: 200_000, remaining: 199_996, resetMs: 360_000 },
  ])
})

it.each<[string, WireHeaders, RateLimitReading[]]>([
  ['nothing', {}, []],
  [
    'headers of others',
    { 'anthropic-ratelimit-requests-limit': '5', 'x-ratelimit-window': '5', 'retry-after': '1' },
    [],
  ],
  ['no dimension', { 'x-ratelimit-limit-': '5', 'x-ratelimit-limit': '5' }, []],
  ['a part alone', { 'x-ratelimit-remaining-requests': '12' }, [{ dimension: 'requests', remaining: 12 }]],
  ['nothing left', { 'x-ratelimit-remaining-requests': '0' }, [{ dimension: 'requests', remaining: 0 }]],
  [
    'further dimensions',
    {
      'x-ratelimit-limit-input-images': '50000',
      'x-ratelimit-remaining-input-images': '49999',
      'x-ratelimit-reset-input-images': '1ms',
      'x-ratelimit-limit-project-tokens': '1000000',
    },
    [
      { dimension: 'input-images', limit: 50_000, remaining: 49_999, resetMs: 1 },
      { dimension: 'project-tokens', limit: 1_000_000 },
    ],
  ],
  [
    'garbage beside what can be read',
    { ...REQUESTS, 'x-ratelimit-limit-requests': 'many' },
    [{ dimension: 'requests', remaining: 499, resetMs: 120, unreadable: ['limit'] }],
  ],
  [
    'garbage alone',
    { 'x-ratelimit-limit-tokens': '1e3', 'x-ratelimit-remaining-tokens': '', 'x-ratelimit-reset-tokens': 'soon' },
    [{ dimension: 'tokens', unreadable: ['limit', 'remaining', 'reset'] }],
  ],
  [
    'negative numbers',
    {
      'x-ratelimit-limit-requests': '-1',
      'x-ratelimit-remaining-requests': '-12',
      'x-ratelimit-reset-requests': '-1s',
    },
    [{ dimension: 'requests', unreadable: ['limit', 'remaining', 'reset'] }],
  ],
  [
    'huge numbers',
    {
      'x-ratelimit-limit-requests': '99999999999999999999',
      'x-ratelimit-remaining-requests': '9007199254740991',
      'x-ratelimit-reset-requests': '9999999h',
    },
    [{ dimension: 'requests', remaining: Number.MAX_SAFE_INTEGER, unreadable: ['limit', 'reset'] }],
  ],
  [
    'a header that came twice and says the same',
    { ...REQUESTS, 'x-ratelimit-limit-requests': ['500', '500'] },
    [{ dimension: 'requests', limit: 500, remaining: 499, resetMs: 120 }],
  ],
  [
    'a header that came twice and says different things',
    { ...REQUESTS, 'x-ratelimit-limit-requests': ['500', '600'] },
    [{ dimension: 'requests', remaining: 499, resetMs: 120, unreadable: ['limit'] }],
  ],
  [
    'a header that came without a value',
    { ...REQUESTS, 'x-ratelimit-limit-requests': [] },
    [{ dimension: 'requests', remaining: 499, resetMs: 120, unreadable: ['limit'] }],
  ],
  [
    'more left than there is',
    { ...REQUESTS, 'x-ratelimit-remaining-requests': '501' },
    [{ dimension: 'requests', limit: 500, resetMs: 120, unreadable: ['remaining'] }],
  ],
])('reads of %s what it tells, and never makes the unknown zero', (_, headers, readings) => {
  expect(readOpenAiRateLimits(headers)).toEqual(readings)
})

it('never throws and never tells a number that is none, whatever the headers are', () => {
  const names = ['limit', 'remaining', 'reset'].map((part) => `x-ratelimit-${part}-requests`)
  const values = fc.oneof(fc.string(), fc.array(fc.string()), fc.bigInt().map(String), fc.constant(undefined))
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), values), (headers) => {
      for (const { limit = 0, remaining = 0, resetMs = 0 } of readOpenAiRateLimits(headers)) {
        for (const number of [limit, remaining, resetMs]) {
          expect(Number.isSafeInteger(number)).toBe(true)
          expect(number).toBeGreaterThanOrEqual(0)
        }
      }
    }),
  )
})

it('keeps the headers on limits and no other', () => {
  const { 'content-type': _, 'openai-organization': __, ...limits } = HEADERS
  expect(openAiRateLimitHeaders({ ...HEADERS, 'retry-after': '2', 'set-cookie': ['a=b'] })).toEqual({
    ...limits,
    'retry-after': '2',
  })
  expect(openAiRateLimitHeaders({ 'content-type': 'text/plain' })).toBeUndefined()
  const twice = openAiRateLimitHeaders({ 'x-ratelimit-limit-tokens': ['5', '6'] })
  expect(twice).toEqual({ 'x-ratelimit-limit-tokens': '5, 6' })
  expect(readOpenAiRateLimits(twice ?? {})).toEqual([{ dimension: 'tokens', unreadable: ['limit'] }])
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
