import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createConcealment } from './concealment.ts'

const SECRET = 'sk-abcdefghijklmnop"\\%0123456789'

function concealed(text: string, ...secrets: string[]): string {
  const concealment = createConcealment()
  for (const secret of secrets) concealment.add(secret)
  return concealment.apply(text)
}

it.each([
  ['as it is', SECRET],
  ['in an address', encodeURIComponent(SECRET)],
  ['in JSON', JSON.stringify(SECRET).slice(1, -1)],
])('cuts a secret out, %s', (_, shown) => {
  expect(concealed(`wrong key ${shown}, twice: ${shown}.`, 'another-one', SECRET)).toBe(
    'wrong key [redacted], twice: [redacted].',
  )
})

it('cuts out what is repeated of it in part, and leaves the rest', () => {
  expect(concealed(`Incorrect key: ${SECRET.slice(0, 8)}****6789, see https://keys`, SECRET)).toBe(
    'Incorrect key: [redacted]****6789, see https://keys',
  )
  expect(concealed('nothing to hide', SECRET)).toBe('nothing to hide')
})

it.each(['x', '-', 'e', '4', 'auto', 'a"%b'])(
  'leaves the words and models that the short key %s of a server that asks for none is part of',
  (key) => {
    for (const text of ['max_tokens exceeds 4096 - use auto, or next-text-4', 'gpt-4.1-mini', 'the key-auto model x']) {
      expect(concealed(text, key)).toBe(text)
    }
    for (const form of [key, encodeURIComponent(key), JSON.stringify(key).slice(1, -1)]) {
      expect(concealed(`Wrong API key: ${form}, try again.`, key)).toBe('Wrong API key: [redacted], try again.')
    }
  },
)

it('leaves no eight characters of a secret in any text', () => {
  const secret = fc.string({ minLength: 8, maxLength: 40 })
  fc.assert(
    fc.property(secret, fc.string(), fc.string(), fc.nat(40), (hidden, before, after, cut) => {
      const text = concealed(before + hidden.slice(0, Math.max(8, cut)) + after, hidden).replaceAll('[redacted]', '')
      for (let at = 0; at + 8 <= hidden.length; at++) {
        const fragment = hidden.slice(at, at + 8)
        if (!before.includes(fragment[0] ?? '')) expect(text.includes(fragment)).toBe(false)
      }
    }),
  )
})
