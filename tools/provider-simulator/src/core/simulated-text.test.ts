import { expect, it } from 'vitest'
import { simulatedText, simulatedToken } from './simulated-text.ts'

it.each([0, 1, 2, 27, 28, 29, 1000])('is the same whole and token by token: %i tokens', (tokens) => {
  const streamed = Array.from({ length: tokens }, (_, index) => simulatedToken(index)).join('')
  expect(simulatedText(tokens)).toBe(streamed)
  expect(streamed.split(' ').filter(Boolean)).toHaveLength(tokens)
})
