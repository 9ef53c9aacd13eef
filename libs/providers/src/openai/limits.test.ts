import type { RateLimitReading } from '@sluice/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { WireHeaders } from '../wire/headers.ts'
import { openAiRateLimitHeaders, openAiRetryAfterMs, readOpenAiRateLimits } from './limits.ts'

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
  ['nothing remaining', { 'x-ratelimit-remaining-requests': '0' }, [{ dimension: 'requests', remaining: 0 }]],
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
    'more remaining than the limit',
    { ...REQUESTS, 'x-ratelimit-remaining-requests': '501' },
    [{ dimension: 'requests', limit: 500, resetMs: 120, unreadable: ['remaining'] }],
  ],
])('reads %s, and never turns an unknown number into zero', (_, headers, readings) => {
  expect(readOpenAiRateLimits(headers)).toEqual(readings)
})

it.each<[string, WireHeaders, RateLimitReading[]]>([
  [
    "Azure's renewal period in seconds and reset in milliseconds",
    {
      'x-ratelimit-limit-requests': '240',
      'x-ratelimit-remaining-requests': '239',
      'x-ratelimit-reset-requests': '250',
      'x-ratelimit-renewalperiod-requests': '60',
      'x-ratelimit-limit-tokens': '240000',
      'x-ratelimit-remaining-tokens': '239972',
      'x-ratelimit-reset-tokens': '7',
      'x-ratelimit-renewalperiod-tokens': '60',
    },
    [
      { dimension: 'requests', periodMs: 60_000, limit: 240, remaining: 239, resetMs: 250 },
      { dimension: 'tokens', periodMs: 60_000, limit: 240_000, remaining: 239_972, resetMs: 7 },
    ],
  ],
  ["Azure's renewal period without the other parts", { 'x-ratelimit-renewalperiod-tokens': '60' }, []],
  [
    "Azure's renewal period and no reset, limits that are not reported",
    {
      'x-ratelimit-limit-tokens': '-1',
      'x-ratelimit-remaining-tokens': '-1',
      'x-ratelimit-reset-tokens': '0',
      'x-ratelimit-renewalperiod-tokens': '10',
    },
    [{ dimension: 'tokens', periodMs: 10_000, resetMs: 0, unreadable: ['limit', 'remaining'] }],
  ],
  [
    'a renewal period that is none',
    { 'x-ratelimit-limit-requests': '5', 'x-ratelimit-renewalperiod-requests': '0', 'x-ratelimit-reset-requests': '5' },
    [{ dimension: 'requests', limit: 5, unreadable: ['reset'] }],
  ],
  [
    "Mistral's windows in the names",
    {
      'x-ratelimit-limit-req-minute': '188',
      'x-ratelimit-remaining-req-minute': '187',
      'x-ratelimit-limit-req-10-second': '12',
      'x-ratelimit-limit-tokens-minute': '356250',
      'x-ratelimit-remaining-tokens-minute': '356100',
      'x-ratelimit-limit-tokens-month': '10000000000',
      'x-ratelimit-tokens-query-cost': '150',
    },
    [
      { dimension: 'req-10-second', periodMs: 10_000, limit: 12 },
      { dimension: 'req-minute', periodMs: 60_000, limit: 188, remaining: 187 },
      { dimension: 'tokens-minute', periodMs: 60_000, limit: 356_250, remaining: 356_100 },
      { dimension: 'tokens-month', limit: 10_000_000_000 },
    ],
  ],
  [
    "Mistral's limits by size",
    {
      'ratelimitbysize-limit': '500000',
      'ratelimitbysize-remaining': '499900',
      'ratelimitbysize-reset': '41',
      'ratelimitbysize-query-cost': '100',
      'x-ratelimitbysize-limit-minute': '500000',
      'x-ratelimitbysize-remaining-minute': '499900',
    },
    [
      { dimension: 'bysize', limit: 500_000, remaining: 499_900 },
      { dimension: 'bysize-minute', periodMs: 60_000, limit: 500_000, remaining: 499_900 },
    ],
  ],
  [
    "Cerebras' resets in seconds",
    {
      'x-ratelimit-limit-requests-day': '14400',
      'x-ratelimit-remaining-requests-day': '14399',
      'x-ratelimit-reset-requests-day': '33011.382867',
    },
    [{ dimension: 'requests-day', periodMs: 86_400_000, limit: 14_400, remaining: 14_399, resetMs: 33_011_383 }],
  ],
])('reads %s', (_, headers, readings) => {
  expect(readOpenAiRateLimits(headers)).toEqual(readings)
})

it('keeps the headers of the limits of every server that is read', () => {
  const kept = {
    'ratelimitbysize-reset': '41',
    'x-ratelimitbysize-limit-minute': '500000',
    'x-ratelimit-renewalperiod-tokens': '60',
  }
  expect(openAiRateLimitHeaders({ ...kept, 'x-request-id': '7' })).toEqual(kept)
})

it('never throws and never returns a number that is none, whatever the headers are', () => {
  const parts = ['limit', 'remaining', 'reset', 'renewalperiod'] as const
  const names = parts.flatMap((part) => [`x-ratelimit-${part}-requests`, `x-ratelimit-${part}-req-5-minute`])
  const values = fc.oneof(fc.string(), fc.array(fc.string()), fc.bigInt().map(String), fc.constant(undefined))
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), values), (headers) => {
      for (const { limit = 0, remaining = 0, resetMs = 0, periodMs = 0 } of readOpenAiRateLimits(headers)) {
        for (const number of [limit, remaining, resetMs, periodMs]) {
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
    [{ 'retry-after-ms': '0', 'retry-after': '45' }, 45_000],
    [{ 'retry-after-ms': '1250', 'retry-after': '45' }, 45_000],
    [{ 'retry-after-ms': '3000', 'retry-after': '2' }, 3_000],
    [{ 'retry-after-ms': '0' }, 0],
    [{ ...HEADERS, 'retry-after-ms': '0', 'x-ratelimit-remaining-requests': '0' }, 120],
    [{ 'ratelimitbysize-remaining': '0', 'ratelimitbysize-reset': '41' }, 41_000],
    [{ 'ratelimitbysize-remaining': '7', 'ratelimitbysize-reset': '41' }, undefined],
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
