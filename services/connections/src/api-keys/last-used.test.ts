import { expect, it } from 'vitest'
import { createUnsavedUses } from './last-used.ts'

it('returns the last use of each key', () => {
  const uses = createUnsavedUses()
  uses.add('a', 5)
  uses.add('a', 3)
  uses.add('b', 1)
  expect(uses.due(10)).toEqual(
    new Map([
      ['a', 5],
      ['b', 1],
    ]),
  )
})

it('returns an unsaved use again, and a key that was saved after a minute only', () => {
  const uses = createUnsavedUses()
  uses.add('a', 1)
  expect(uses.due(2).size).toBe(1)
  const due = uses.due(3)
  uses.add('a', 4)
  uses.saved(due, 5)
  expect(uses.due(60_004).size).toBe(0)
  expect(uses.due(60_005)).toEqual(new Map([['a', 4]]))
  uses.saved(uses.due(60_005), 60_006)
  expect(uses.due(999_999).size).toBe(0)
})
