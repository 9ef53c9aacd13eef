import { expect, it } from 'vitest'
import { simulatedEmbedding } from './simulated-embedding.ts'

it('has length 1 and depends on the text alone', () => {
  const vector = simulatedEmbedding('hello', 1536)
  expect(Math.hypot(...vector)).toBeCloseTo(1, 5)
  expect(simulatedEmbedding('hello', 1536)).toEqual(vector)
  expect(simulatedEmbedding('hallo', 1536)).not.toEqual(vector)
})
