import { expect, it } from 'vitest'
import { goDuration } from './go-duration.ts'

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
