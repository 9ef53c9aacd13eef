import { describe, expect, it } from 'vitest'
import { presentedKey, withoutKey } from './presented-key.ts'

describe('the key that a request brings', () => {
  it.each([
    [{ authorization: 'Bearer slc_1' }, '', 'slc_1'],
    [{ authorization: 'bearer  slc_1 ' }, '', 'slc_1'],
    [{ authorization: 'Basic abc', 'x-api-key': 'slc_2' }, '', 'slc_2'],
    [{ 'x-goog-api-key': 'slc_3' }, '', 'slc_3'],
    [{ 'api-key': 'slc_4' }, '', 'slc_4'],
    [{}, 'a=1&key=slc_5', 'slc_5'],
    [{ authorization: 'Bearer slc_1' }, 'key=slc_5', 'slc_1'],
    [{}, 'monkey=1', undefined],
    [{ 'x-api-key': '' }, '', undefined],
  ])('%j ?%s', (headers, query, expected) => {
    expect(presentedKey(headers, query)).toBe(expected)
  })
})

it.each([
  ['key=slc_1', ''],
  ['a=%2F&key=slc_1&b', 'a=%2F&b'],
  ['monkey=1&a', 'monkey=1&a'],
  ['', ''],
])('is taken off the query %j', (query, expected) => {
  expect(withoutKey(query)).toBe(expected)
})
