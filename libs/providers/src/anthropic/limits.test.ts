import type { RateLimitReading } from '@sluice/contracts'
import { describe, expect, it } from 'vitest'
import type { WireHeaders } from '../wire/headers.ts'
import { anthropicRateLimitHeaders, anthropicRetryAfterMs, readAnthropicRateLimits } from './limits.ts'

const RECEIVED_AT_MS = Date.UTC(2026, 0, 1)
const LIMITS = {
  'anthropic-ratelimit-requests-limit': '4000',
  'anthropic-ratelimit-requests-remaining': '3999',
  'anthropic-ratelimit-requests-reset': '2026-01-01T00:00:01Z',
  'anthropic-ratelimit-input-tokens-limit': '400000',
  'anthropic-ratelimit-input-tokens-remaining': '0',
  'anthropic-ratelimit-input-tokens-reset': '2026-01-01T01:00:12.500+01:00',
  'anthropic-priority-output-tokens-limit': '80000',
  'anthropic-priority-output-tokens-remaining': '79000',
  'anthropic-priority-output-tokens-reset': '2025-12-31T23:59:59Z',
}
const TOKENS = { dimension: 'tokens', periodMs: 60_000 }
const HEADERS = { ...LIMITS, 'content-type': 'application/json', 'anthropic-organization-id': 'org' }

it('reads each dimension, with the time that is left to its reset', () => {
  expect(readAnthropicRateLimits(HEADERS, RECEIVED_AT_MS)).toEqual([
    { dimension: 'priority-output-tokens', limit: 80_000, remaining: 79_000, resetMs: 0, periodMs: 60_000 },
    { dimension: 'input-tokens', limit: 400_000, remaining: 0, resetMs: 12_500, periodMs: 60_000 },
    { dimension: 'requests', limit: 4_000, remaining: 3_999, resetMs: 1_000, periodMs: 60_000 },
  ])
})

it.each<[string, WireHeaders, RateLimitReading[]]>([
  ['nothing', {}, []],
  [
    'headers of others',
    { 'anthropic-ratelimit--limit': '5', 'anthropic-ratelimit-limit': '5', 'x-ratelimit-limit-tokens': '5' },
    [],
  ],
  ['a part alone', { 'anthropic-ratelimit-tokens-remaining': '7' }, [{ ...TOKENS, remaining: 7 }]],
  ['a reset that is over', { 'anthropic-ratelimit-tokens-reset': '2025-12-31T00:00:00Z' }, [{ ...TOKENS, resetMs: 0 }]],
  ...['', '1e3', '-1', 'NaN', '1.5', '99999999999999999999'].map(
    (garbage): [string, WireHeaders, RateLimitReading[]] => [
      `the limit ${JSON.stringify(garbage)}`,
      { 'anthropic-ratelimit-tokens-limit': garbage, 'anthropic-ratelimit-tokens-remaining': '7' },
      [{ ...TOKENS, remaining: 7, unreadable: ['limit'] }],
    ],
  ),
  ...['12', '2026-01-01', '2026-13-01T00:00:00Z', 'Thu, 01 Jan 2026 00:00:00 GMT', '2126-01-01T00:00:00Z'].map(
    (garbage): [string, WireHeaders, RateLimitReading[]] => [
      `the reset ${JSON.stringify(garbage)}`,
      { 'anthropic-ratelimit-tokens-limit': '7', 'anthropic-ratelimit-tokens-reset': garbage },
      [{ ...TOKENS, limit: 7, unreadable: ['reset'] }],
    ],
  ),
  [
    'a header that came twice and says different things',
    { 'anthropic-ratelimit-tokens-limit': ['7', '8'], 'anthropic-ratelimit-tokens-remaining': ['6', '6'] },
    [{ ...TOKENS, remaining: 6, unreadable: ['limit'] }],
  ],
  [
    'more left than there is by rounding',
    { 'anthropic-ratelimit-tokens-limit': '50500', 'anthropic-ratelimit-tokens-remaining': '51000' },
    [{ ...TOKENS, limit: 50_500, remaining: 50_500 }],
  ],
  [
    'more left than there is',
    { 'anthropic-ratelimit-tokens-limit': '50500', 'anthropic-ratelimit-tokens-remaining': '52000' },
    [{ ...TOKENS, limit: 50_500, unreadable: ['remaining'] }],
  ],
])('reads of %s what it tells, and never makes the unknown zero', (_, headers, readings) => {
  expect(readAnthropicRateLimits(headers, RECEIVED_AT_MS)).toEqual(readings)
})

it('knows no period of a limit that is not documented', () => {
  expect(readAnthropicRateLimits({ 'anthropic-ratelimit-unified-5h-limit': '7' }, 0)).toEqual([
    { dimension: 'unified-5h', limit: 7 },
  ])
})

it('keeps the headers on limits and no other', () => {
  expect(anthropicRateLimitHeaders({ ...HEADERS, 'retry-after': '2' })).toEqual({ ...LIMITS, 'retry-after': '2' })
  expect(anthropicRateLimitHeaders({ 'anthropic-organization-id': 'org' })).toBeUndefined()
})

describe('the retry time of a 429', () => {
  it.each([
    [{ ...HEADERS, 'retry-after': '41' }, 41_000],
    [HEADERS, 12_500],
    [{ ...HEADERS, 'anthropic-ratelimit-input-tokens-remaining': '1' }, undefined],
    [{ 'retry-after': 'soon' }, undefined],
  ])('by %j is %j', (headers, expected) => {
    expect(anthropicRetryAfterMs(headers, RECEIVED_AT_MS)).toBe(expected)
  })
})
