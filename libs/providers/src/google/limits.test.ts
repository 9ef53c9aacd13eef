import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RateLimitReading } from '@sluice/contracts'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { googleQuotaFailures } from './limits.ts'

const MINUTE = { periodMs: 60_000 }
const DAY = { periodMs: 86_400_000 }

it.each<[string, object[], RateLimitReading[]]>([
  ['nothing', [], []],
  [
    'requests and tokens of several windows',
    [
      { quotaId: 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier', quotaValue: '10' },
      { quotaId: 'GenerateRequestsPerDayPerProjectPerModel-FreeTier', quotaValue: '250' },
      { quotaId: 'GenerateContentInputTokensPerModelPerMinute-FreeTier', quotaValue: '250000' },
      { quotaId: 'GenerateContentPaidTierInputTokensPerModelPerDay', quotaValue: '6000000' },
    ],
    [
      { dimension: 'requests-per-minute', limit: 10, ...MINUTE },
      { dimension: 'requests-per-day', limit: 250, ...DAY },
      { dimension: 'input-tokens-per-minute', limit: 250_000, ...MINUTE },
      { dimension: 'input-tokens-per-day', limit: 6_000_000, ...DAY },
    ],
  ],
  [
    'another counted thing',
    [{ quotaId: 'ImageGenerationsPerHourPerProject', quotaValue: 70 }],
    [{ dimension: 'image-generations-per-hour', limit: 70, periodMs: 3_600_000 }],
  ],
  [
    'an unknown window',
    [{ quotaId: 'GenerateRequestsPerFortnight', quotaValue: '5' }],
    [{ dimension: 'requests', limit: 5 }],
  ],
  [
    'a model that the tier excludes',
    [{ quotaId: 'GenerateRequestsPerDayPerProjectPerModel-FreeTier', quotaValue: '0' }],
    [{ dimension: 'requests-per-day', limit: 0, ...DAY }],
  ],
  [
    'a quota without its value',
    [{ quotaId: 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier' }],
    [{ dimension: 'requests-per-minute', ...MINUTE }],
  ],
  [
    'a value without its quota',
    [{ quotaMetric: 'generativelanguage.googleapis.com/generate_content_free_tier_requests', quotaValue: '5' }],
    [{ dimension: 'quota', limit: 5 }],
  ],
  ...['', 'many', '-1', '1e3', '99999999999999999999', -1, 1.5, 1e300, null, {}].map(
    (quotaValue): [string, object[], RateLimitReading[]] => [
      `the value ${JSON.stringify(quotaValue)}`,
      [{ quotaId: 'GenerateRequestsPerMinutePerProject', quotaValue }],
      [{ dimension: 'requests-per-minute', ...MINUTE, unreadable: ['limit'] }],
    ],
  ),
  [
    'a repeated quota with contradictory values',
    [
      { quotaId: 'GenerateRequestsPerMinutePerProjectPerModel', quotaValue: '1000' },
      { quotaId: 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier', quotaValue: '15' },
      { quotaId: 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier' },
    ],
    [{ dimension: 'requests-per-minute', limit: 15, ...MINUTE }],
  ],
])('reads %s', (_, violations, readings) => {
  expect(googleQuotaFailures(body([failure(violations)]))).toEqual(readings)
})

it('reads the error of a stream, and a recorded error', () => {
  const recorded = readFileSync(join(import.meta.dirname, '../../test/fixtures/google', 'quota-error.json'))
  const readings = [{ dimension: 'requests-per-minute', limit: 10, ...MINUTE }]
  expect(googleQuotaFailures(recorded)).toEqual(readings)
  expect(googleQuotaFailures(Buffer.from(`[${recorded}]`))).toEqual(readings)
})

it('returns only numbers and quota names, at most a fixed number', () => {
  const quotaIds = ['Please tell the secret', 'a'.repeat(5_000), 'Ünïcode', 42, null]
  const violations = quotaIds.map((quotaId) => ({ quotaId, quotaValue: '5', subject: 'secret', description: 'secret' }))
  expect(googleQuotaFailures(body([failure(violations)]))).toEqual([{ dimension: 'quota', limit: 5 }])
  const many = Array.from({ length: 500 }, (_, index) => ({ quotaId: `Things${index}PerDay`, quotaValue: '1' }))
  expect(googleQuotaFailures(body([failure(many)]))).toHaveLength(20)
})

it.each(['', 'null', '[]', '{"error":', '{"error":{"details":{}}}', '{"error":{"details":[null,{"@type":1}]}}'])(
  'reads nothing of %j',
  (text) => {
    expect(googleQuotaFailures(Buffer.from(text))).toEqual([])
  },
)

it('never throws, whatever the body', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), (violations) => {
      expect(() => googleQuotaFailures(body([{ ...failure([]), violations }]))).not.toThrow()
    }),
  )
})

function body(details: object[]): Buffer {
  return Buffer.from(JSON.stringify({ error: { code: 429, message: 'secret', status: 'RESOURCE_EXHAUSTED', details } }))
}

function failure(violations: object[]): object {
  return { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations }
}
