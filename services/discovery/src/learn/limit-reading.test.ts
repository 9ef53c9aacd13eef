import type { RateLimitReading, ResponseBatch, ResponseEvent } from '@sluice/contracts'
import { expect, it } from 'vitest'
import { readingsOf } from './limit-reading.ts'

const NOW_MS = 1_764_000_000_000

it('reads every limit of every response that has headers, successful or not', () => {
  const headers = {
    'x-ratelimit-limit-requests': '500',
    'x-ratelimit-remaining-requests': '499',
    'x-ratelimit-reset-requests': '120ms',
    'x-ratelimit-limit-tokens': '30000',
  }
  const readings = readingsOf(
    batch([
      event({ rateLimitHeaders: headers, headersAtMs: NOW_MS - 50 }),
      event({}),
      event({ model: 'other', outcome: 'upstream_429', rateLimitHeaders: { 'x-ratelimit-limit-requests': '3' } }),
    ]),
    NOW_MS,
  )
  expect(readings).toEqual([
    { ...key('m', 'requests'), seenAtMs: NOW_MS - 50, limit: 500, remaining: 499, resetMs: 120 },
    { ...key('m', 'tokens'), seenAtMs: NOW_MS - 50, limit: 30_000 },
    { ...key('other', 'requests'), seenAtMs: NOW_MS - 10, limit: 3 },
  ])
})

it('keeps the limits of a model’s pools apart from those of its other requests', () => {
  const rateLimitHeaders = { 'x-ratelimit-limit-requests': '3', 'x-ratelimit-remaining-requests': '0' }
  const pools = [{}, { pool: 'flex' }, { pool: 'long', model: 'other' }, { pool: 'files', model: '' }]
  const readings = readingsOf(batch(pools.map((given) => event({ ...given, rateLimitHeaders }))), NOW_MS)
  expect(readings.map(({ model }) => model)).toEqual(['m', 'm (flex)', 'other (long)', '(files)'])
})

it('takes a response from the future as of now', () => {
  const future = event({ rateLimitHeaders: { 'x-ratelimit-limit-requests': '3' }, headersAtMs: NOW_MS + 1e10 })
  expect(readingsOf(batch([future]), NOW_MS)).toMatchObject([{ seenAtMs: NOW_MS }])
})

it('takes unreadable parts as unknown, and reports them', () => {
  const absurd = event({
    rateLimitHeaders: {
      'x-ratelimit-limit-requests': '99999999999999999999',
      'x-ratelimit-remaining-requests': '7',
      'x-ratelimit-reset-requests': '9999999h',
    },
  })
  const unreadable: RateLimitReading[] = []
  expect(readingsOf(batch([absurd]), NOW_MS, (reading) => unreadable.push(reading))).toEqual([
    { ...key('m', 'requests'), seenAtMs: NOW_MS - 10, remaining: 7 },
  ])
  expect(unreadable).toMatchObject([{ dimension: 'requests', unreadable: ['limit', 'reset'] }])
})

it('takes what a gateway has read in the body of a 429', () => {
  const rateLimits = [{ dimension: 'requests-per-day', limit: 250, periodMs: 86_400_000 }]
  const sent = batch([event({ outcome: 'upstream_429', rateLimits, headersAtMs: NOW_MS - 50 })])
  expect(readingsOf({ ...sent, provider: 'google' }, NOW_MS)).toEqual([
    { ...key('m', 'requests-per-day'), seenAtMs: NOW_MS - 50, limit: 250, periodMs: 86_400_000 },
  ])
})

it.each([
  { limit: 9e18 },
  { limit: 5, remaining: 9e18 },
  { limit: 5, resetMs: Number.MAX_SAFE_INTEGER },
  { limit: 5, periodMs: 9e18 },
])('refuses numbers that no gateway reads: %j', (numbers) => {
  const rateLimits = [{ dimension: 'requests', ...numbers }]
  expect(() => readingsOf(batch([event({ rateLimits })]), NOW_MS)).toThrow(RangeError)
})

function key(model: string, dimension: string) {
  return { connectionId: 'c', model, dimension }
}

function batch(events: ResponseEvent[]): ResponseBatch {
  return { connectionId: 'c', provider: 'openai', gateway: 'g', batch: 1, events }
}

function event(given: Partial<ResponseEvent>): ResponseEvent {
  return {
    requestId: 'r',
    startedAtMs: NOW_MS - 100,
    endedAtMs: NOW_MS - 10,
    apiKeyId: 'k',
    model: 'm',
    outcome: 'success',
    ...given,
  }
}
