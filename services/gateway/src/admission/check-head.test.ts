import { expect, it } from 'vitest'
import { maxWaitMs } from './check-head.ts'

it.each([
  ['0', 0],
  ['30', 30_000],
  ['2.5', 2_500],
  ['0.001', 1],
  ['600', 600_000],
])('reads %s seconds', (header, expectedMs) => {
  expect(maxWaitMs(header, 7)).toBe(expectedMs)
})

it('takes the connection’s if the request has none', () => {
  expect(maxWaitMs(undefined, 1_234)).toBe(1_234)
})

it.each(['', '-1', '1e3', 'soon', '601', '1000', '1,5', ' 5', '5s', 'Infinity', '0x10', ['1', '2']])(
  'refuses %j',
  (header) => {
    expect(maxWaitMs(header, 0)).toBeUndefined()
  },
)
