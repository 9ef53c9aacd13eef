import { expect, it } from 'vitest'
import { parseRfc3339 } from './rfc3339.ts'

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
