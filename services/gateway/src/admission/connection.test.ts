import fc from 'fast-check'
import { expect, it } from 'vitest'
import { modelMatcher } from './connection.ts'

it.each([
  [['gpt-4.1'], 'gpt-4.1', true],
  [['gpt-4.1'], 'gpt-4.1-mini', false],
  [['gpt-*'], 'gpt-4.1-mini', true],
  [['gpt-*'], 'o3', false],
  [['*-mini'], 'o4-mini', true],
  [['gpt-*-mini'], 'gpt-mini', false],
  [['gpt-*-mini'], 'gpt-4.1-mini', true],
  [['a*b*c'], 'a-b-b-c', true],
  [['a*b*c'], 'ac', false],
  [['*'], 'anything', true],
  [['*'], '', false],
  [['ab*ba'], 'aba', false],
  [['gpt.4'], 'gpt-4', false],
  [[], 'gpt-4', false],
  [undefined, '', true],
])('%j and %j: %j', (allowed, model, expected) => {
  expect(modelMatcher(allowed)(model)).toBe(expected)
})

it('agrees with a regular expression', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 8 })
  const model = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(text, model, (pattern, name) => {
      expect(modelMatcher([pattern])(name)).toBe(new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name))
    }),
  )
})
