import { expect, it } from 'vitest'
import { difference } from './audit-entry.ts'

it.each([
  ['nothing', { a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, []],
  ['a changed field', { a: 1, b: [1] }, { a: 1, b: [2] }, [{ field: 'b', before: [1], after: [2] }]],
  ['a field that came', {}, { a: null }, [{ field: 'a', after: null }]],
  ['a field that went', { a: 1 }, {}, [{ field: 'a', before: 1 }]],
  [
    'a creation',
    undefined,
    { b: 1, a: 2 },
    [
      { field: 'a', after: 2 },
      { field: 'b', after: 1 },
    ],
  ],
  ['a removal', { a: 1 }, undefined, [{ field: 'a', before: 1 }]],
  ['neither', undefined, undefined, []],
  ['bookkeeping', { version: 1, updatedAt: 'x' }, { version: 2, updatedAt: 'y', lastUsedAt: 'z' }, []],
])('tells %s', (_, before, after, changes) => {
  expect(difference(before, after)).toEqual(changes)
})
