import { expect, it } from 'vitest'
import { simulatedResponse } from './simulated-answer.ts'

const SCHEMA = { type: 'object', properties: { city: { type: 'string' }, sunny: { type: 'boolean' } } }

it('is prose, as long as told', () => {
  const { thought, text, outputTokens } = simulatedResponse({ outputTokens: 3 }, { thinks: false })
  expect([thought.whole(), text.whole(), outputTokens]).toEqual(['', 'This answer comes', 3])
  expect([...text.pieces()]).toEqual(['This', ' answer', ' comes'])
})

it('is JSON of a schema, as long as that is', () => {
  const { text, outputTokens, cut } = simulatedResponse({ outputTokens: 100 }, { thinks: false, schema: SCHEMA })
  expect(JSON.parse(text.whole())).toEqual({ city: 'simulated', sunny: true })
  expect([...text.pieces()].join('')).toBe(text.whole())
  expect({ outputTokens, cut }).toEqual({ outputTokens: Math.ceil(text.whole().length / 4), cut: false })
})

it('thinks first, which counts', () => {
  const thinking = simulatedResponse({}, { thinks: true, schema: SCHEMA })
  expect(thinking.thought.whole()).toMatch(/^A simulated provider/)
  expect(thinking.outputTokens).toBe(thinking.thought.tokens + thinking.text.tokens)
  expect(thinking.thought.tokens).toBe(thinking.thought.whole().split(' ').length)
})

it.each([
  [2, 2, ''],
  [10, 8, '{"city":'],
])('is cut at %i tokens, wherever that is', (maxTokens, thoughtTokens, said) => {
  const { thought, text, outputTokens, cut } = simulatedResponse({}, { thinks: true, schema: SCHEMA, maxTokens })
  expect(thought.tokens).toBe(thoughtTokens)
  expect(text.whole()).toBe(said)
  expect({ outputTokens, cut }).toEqual({ outputTokens: maxTokens, cut: true })
})

it('counts a tool call in place of text', () => {
  const { text, outputTokens } = simulatedResponse({}, { thinks: false, schema: SCHEMA, toolArguments: '{"a":"b"}' })
  expect([text.tokens, outputTokens]).toEqual([3, 3])
})
