import fc from 'fast-check'
import { expect, it } from 'vitest'
import { storableText } from './storable-text.ts'

it('leaves ordinary text as it is', () => {
  expect(storableText('gpt-4.1 ümläut 🙂', 256)).toBe('gpt-4.1 ümläut 🙂')
})

it('replaces what PostgreSQL cannot keep, also where cutting splits a character', () => {
  expect(storableText('a\0b\ud800c', 256)).toBe('a\ufffdb\ufffdc')
  expect(storableText('ab🙂', 3)).toBe('ab\ufffd')
})

it('never gives NUL, a lone surrogate, or more than was asked for', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(20), (text, maxChars) => {
      const stored = storableText(`${text}\0`, maxChars)
      expect(stored.length).toBeLessThanOrEqual(maxChars)
      expect(stored.includes('\0')).toBe(false)
      expect(stored.isWellFormed()).toBe(true)
    }),
  )
})
