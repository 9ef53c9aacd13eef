import { expect, it } from 'vitest'
import { generateOutput, simulatedText, simulatedToken } from './model-output.ts'

it.each([0, 1, 2, 27, 28, 29, 1000])('is the same whole and token by token: %i tokens', (tokens) => {
  const streamed = Array.from({ length: tokens }, (_, index) => simulatedToken(index)).join('')
  expect(simulatedText(tokens)).toBe(streamed)
  expect(streamed.split(' ').filter(Boolean)).toHaveLength(tokens)
})

const SCHEMA = { type: 'object', properties: { city: { type: 'string' }, sunny: { type: 'boolean' } } }

it('is prose of the requested length', () => {
  const { thought, text, outputTokens } = generateOutput({ outputTokens: 3 }, { thinks: false })
  expect([thought.whole(), text.whole(), outputTokens]).toEqual(['', 'This answer comes', 3])
  expect([...text.pieces()]).toEqual(['This', ' answer', ' comes'])
})

it('is JSON that fits a schema, with its own length', () => {
  const { text, outputTokens, truncated } = generateOutput({ outputTokens: 100 }, { thinks: false, schema: SCHEMA })
  expect(JSON.parse(text.whole())).toEqual({ city: 'simulated', sunny: true })
  expect([...text.pieces()].join('')).toBe(text.whole())
  expect({ outputTokens, truncated }).toEqual({ outputTokens: Math.ceil(text.whole().length / 4), truncated: false })
})

it('thinks first, and counts the thought', () => {
  const thinking = generateOutput({}, { thinks: true, schema: SCHEMA })
  expect(thinking.thought.whole()).toMatch(/^A simulated provider/)
  expect(thinking.outputTokens).toBe(thinking.thought.tokens + thinking.text.tokens)
  expect(thinking.thought.tokens).toBe(thinking.thought.whole().split(' ').length)
})

it.each([
  [2, 2, ''],
  [10, 8, '{"city":'],
])('is truncated at %i tokens', (maxTokens, thoughtTokens, said) => {
  const { thought, text, outputTokens, truncated } = generateOutput({}, { thinks: true, schema: SCHEMA, maxTokens })
  expect(thought.tokens).toBe(thoughtTokens)
  expect(text.whole()).toBe(said)
  expect({ outputTokens, truncated }).toEqual({ outputTokens: maxTokens, truncated: true })
})

it('counts a tool call in place of text', () => {
  const { text, outputTokens } = generateOutput({}, { thinks: false, schema: SCHEMA, toolArguments: '{"a":"b"}' })
  expect([text.tokens, outputTokens]).toEqual([3, 3])
})
