import { expect, it } from 'vitest'
import { additionalData, credentialContext, sealingKeyContext } from './envelope.ts'

it('is the same text for the same context, and different for any other', () => {
  expect(additionalData({ b: '2', a: '1' })).toBe(additionalData({ a: '1', b: '2' }))
  const texts = [
    credentialContext({ connectionId: 'a', provider: 'openai', version: 1 }),
    credentialContext({ connectionId: 'b', provider: 'openai', version: 1 }),
    credentialContext({ connectionId: 'a', provider: 'groq', version: 1 }),
    credentialContext({ connectionId: 'a', provider: 'openai', version: 11 }),
    sealingKeyContext('a'),
    { a: '1,b', b: '2' },
    { a: '1', b: 'b,2' },
  ].map(additionalData)
  expect(new Set(texts).size).toBe(texts.length)
})
