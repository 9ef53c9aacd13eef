import { expect, it } from 'vitest'
import { inPlace } from './place.ts'

it('puts the others where they were, whatever their number', () => {
  const calls = Array.from({ length: 300_000 }, (_, index) => `call ${index}`)
  const others = [
    { block: 'first', at: { content: 0, tool_calls: 0 } },
    { block: 'second', at: { content: 2, tool_calls: 299_999 } },
  ]
  const blocks = inPlace('text', calls, others, (text) => (text === '' ? [] : [text]))
  expect(blocks.slice(0, 3)).toEqual(['first', 'te', 'call 0'])
  expect(blocks.slice(-3)).toEqual(['second', 'xt', 'call 299999'])
  expect(blocks).toHaveLength(300_004)
})
