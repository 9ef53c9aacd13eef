import { expect, it } from 'vitest'
import { parseGoDuration, parseRfc3339 } from './rate-limit-headers.ts'

it.each([
  ['1s', 1_000],
  ['6m0s', 360_000],
  ['120ms', 120],
  ['8.64s', 8_640],
  ['1h2m3.5s', 3_723_500],
  ['2m59.56s', 179_560],
  ['250µs', 0.25],
  ['0s', 0],
])('%s is %d ms', (text, expectedMs) => {
  expect(parseGoDuration(text)).toBeCloseTo(expectedMs, 6)
})

it.each(['', '5', 's', '1x', '1s ', '-1s', '1.s', 'Infinitys'])('%j is no duration', (text) => {
  expect(parseGoDuration(text)).toBeUndefined()
})

it.each([
  ['2026-01-01T00:00:01Z', 1_000],
  ['2026-01-01t00:00:01z', 1_000],
  ['2026-01-01T00:00:00.25Z', 250],
  ['2026-01-01T01:00:00.123456+01:00', 123],
  ['2025-12-31T19:00:02-05:00', 2_000],
])('%s is %d ms into 2026', (text, expectedMs) => {
  expect(parseRfc3339(text)).toBe(Date.UTC(2026, 0, 1) + expectedMs)
})

it.each(['', '2026-01-01', '2026-01-01T00:00:00', '2026-01-01 00:00:00Z', '2026-02-40T00:00:00Z', '1767225600'])(
  '%j is no instant',
  (text) => {
    expect(parseRfc3339(text)).toBeUndefined()
  },
)
