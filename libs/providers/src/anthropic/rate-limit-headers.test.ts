import { describe, expect, it } from 'vitest'
import { anthropicRateLimitHeaders, anthropicRetryAfterMs, readAnthropicRateLimits } from './rate-limit-headers.ts'

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
const HEADERS = { ...LIMITS, 'content-type': 'application/json', 'anthropic-organization-id': 'org' }

it('reads each dimension, with the time that is left to its reset', () => {
  expect(readAnthropicRateLimits(HEADERS, RECEIVED_AT_MS)).toEqual([
    { dimension: 'priority-output-tokens', limit: 80_000, remaining: 79_000, resetMs: 0, periodMs: 60_000 },
    { dimension: 'input-tokens', limit: 400_000, remaining: 0, resetMs: 12_500, periodMs: 60_000 },
    { dimension: 'requests', limit: 4_000, remaining: 3_999, resetMs: 1_000, periodMs: 60_000 },
  ])
})

it.each([
  [{ 'anthropic-ratelimit-tokens-limit': '' }],
  [{ 'anthropic-ratelimit-tokens-limit': '1e3' }],
  [{ 'anthropic-ratelimit-tokens-remaining': '-1' }],
  [{ 'anthropic-ratelimit-tokens-remaining': 'NaN' }],
  [{ 'anthropic-ratelimit-tokens-limit': '99999999999999999999' }],
  [{ 'anthropic-ratelimit-tokens-reset': '12' }],
  [{ 'anthropic-ratelimit-tokens-reset': '2026-01-01' }],
  [{ 'anthropic-ratelimit-tokens-reset': '2026-13-01T00:00:00Z' }],
  [{ 'anthropic-ratelimit-tokens-reset': 'Thu, 01 Jan 2026 00:00:00 GMT' }],
  [{ 'anthropic-ratelimit--limit': '5', 'anthropic-ratelimit-limit': '5', 'x-ratelimit-limit-tokens': '5' }],
  [{}],
])('leaves out %j', (headers) => {
  expect(readAnthropicRateLimits(headers, RECEIVED_AT_MS)).toEqual([])
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
