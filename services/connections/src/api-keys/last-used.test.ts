import { expect, it } from 'vitest'
import { createUseTally } from './last-used.ts'

it('gives the last use of each key', () => {
  const tally = createUseTally()
  tally.note('a', 5)
  tally.note('a', 3)
  tally.note('b', 1)
  expect(tally.due(10)).toEqual(
    new Map([
      ['a', 5],
      ['b', 1],
    ]),
  )
})

it('gives what is not written again, and what is written once a minute at most', () => {
  const tally = createUseTally()
  tally.note('a', 1)
  expect(tally.due(2).size).toBe(1)
  const due = tally.due(3)
  tally.note('a', 4)
  tally.written(due, 5)
  expect(tally.due(60_004).size).toBe(0)
  expect(tally.due(60_005)).toEqual(new Map([['a', 4]]))
  tally.written(tally.due(60_005), 60_006)
  expect(tally.due(999_999).size).toBe(0)
})
