import { SluiceError } from '@sluice/contracts'
import { expect, it } from 'vitest'
import { fromCursor, toCursor } from './list-cursor.ts'

it('leads back to the name', () => {
  expect(fromCursor(toCursor('openai-prod-1'))).toBe('openai-prod-1')
})

it.each(['', '*', 'openai', toCursor('Not A Name'), `${toCursor('a')}=`])('is not %j', (cursor) => {
  expect(() => fromCursor(cursor)).toThrow(SluiceError)
})
