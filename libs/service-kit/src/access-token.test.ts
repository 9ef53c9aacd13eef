import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createAccessToken, hashAccessToken, isAccessToken } from './access-token.ts'

it('creates different tokens of one format', () => {
  const tokens = Array.from({ length: 100 }, () => createAccessToken('slc'))
  for (const token of tokens) {
    expect(token).toMatch(/^slc_[0-9A-Za-z]{49}$/)
    expect(isAccessToken(token, 'slc')).toBe(true)
    expect(isAccessToken(token, 'slo')).toBe(false)
  }
  expect(new Set(tokens).size).toBe(100)
})

it('never changes the format, because scanners and stored hashes depend on it', () => {
  expect(createAccessToken('slc', new Uint8Array(32))).toBe(`slc_${'0'.repeat(43)}0ztfFZ`)
  expect(createAccessToken('slo', new Uint8Array(32).fill(255))).toBe(
    'slo_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp11nRTN7',
  )
  expect(hashAccessToken('slc_x')).toBe('a24bd50904ad2eb8b95d6a925bd821410359cd8123e496ca8e350063c5cf3cc2')
})

it('detects a mistyped token', () => {
  const token = createAccessToken('slc')
  fc.assert(
    fc.property(fc.integer({ min: 0, max: token.length - 1 }), fc.constantFrom(...'09AZaz-_ '), (at, char) => {
      const typed = token.slice(0, at) + char + token.slice(at + 1)
      expect(isAccessToken(typed, 'slc')).toBe(typed === token)
    }),
  )
  for (const text of ['', 'slc_', token.slice(1), `${token}0`, token.toUpperCase()]) {
    expect(isAccessToken(text, 'slc'), text).toBe(false)
  }
})
