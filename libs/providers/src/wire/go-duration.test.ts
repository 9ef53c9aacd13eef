import { expect, it } from 'vitest'
import { parseGoDuration } from './go-duration.ts'

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
