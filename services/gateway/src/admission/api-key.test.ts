import { describe, expect, it } from 'vitest'
import { presentedKey, withoutKey } from './api-key.ts'

describe('the key that a request brings', () => {
  it.each([
    [{ authorization: 'Bearer slc_1' }, '', 'slc_1'],
    [{ authorization: 'bearer  slc_1 ' }, '', 'slc_1'],
    [{ authorization: 'Basic abc', 'x-api-key': 'slc_2' }, '', 'slc_2'],
    [{ 'x-goog-api-key': 'slc_3' }, '', 'slc_3'],
    [{ 'api-key': 'slc_4' }, '', 'slc_4'],
    [{}, 'a=1&key=slc_5', 'slc_5'],
    [{ authorization: 'Bearer slc_1' }, 'key=slc_5', 'slc_1'],
    [{}, 'a=%zz&%6B%65%79=slc_6', 'slc_6'],
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
  ['a=+%2f%2F&%6bey=slc_1&k%65y=slc_2&ke%79=slc_3&%6B%65%79=slc_4&&b=%6bey', 'a=+%2f%2F&&b=%6bey'],
  ['%=1&%zz=2&%6=3&a=%E0%A4&key=slc_1', '%=1&%zz=2&%6=3&a=%E0%A4'],
  ['Key=1&%4bey=2&%256bey=3&key&keys=4', 'Key=1&%4bey=2&%256bey=3&key&keys=4'],
  ['', ''],
])('is taken off the query %j', (query, expected) => {
  expect(withoutKey(query)).toBe(expected)
})
