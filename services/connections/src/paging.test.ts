import { SluiceError } from '@sluice/contracts'
import { expect, it } from 'vitest'
import { fromCursor, fromNumberCursor, toCursor } from './paging.ts'

it('decodes the cursor of a name', () => {
  expect(fromCursor(toCursor('openai-prod-1'))).toBe('openai-prod-1')
})

it.each(['', '*', 'openai', toCursor('Not A Name'), `${toCursor('a')}=`])('is not %j', (cursor) => {
  expect(() => fromCursor(cursor)).toThrow(SluiceError)
})

it('decodes the cursor of a number', () => {
  for (const number of [0, 7, 999_999_999_999_999]) expect(fromNumberCursor(toCursor(number))).toBe(number)
})

it.each(['x', toCursor('prod'), toCursor('-1'), toCursor('1'.repeat(16))])('is no number’s: %j', (cursor) => {
  expect(() => fromNumberCursor(cursor)).toThrow(SluiceError)
})
