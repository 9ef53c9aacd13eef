import { expect, it } from 'vitest'
import { type HeaderFields, removeField } from './header-fields.ts'

it.each<[HeaderFields, HeaderFields]>([
  [[], []],
  [
    ['vary', 'a', 'content-length', '3'],
    ['vary', 'a'],
  ],
  [
    ['vary', 'content-length', 'content-length', '3', 'x', 'y'],
    ['vary', 'content-length', 'x', 'y'],
  ],
  [
    ['x', ['content-length', 'content-length']],
    ['x', ['content-length', 'content-length']],
  ],
  [['Content-Length', '3', 'content-length', '3'], []],
])('takes the fields of a name, and no value, out of %j', (fields, left) => {
  removeField(fields, 'content-length')
  expect(fields).toEqual(left)
})
