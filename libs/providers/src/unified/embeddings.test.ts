import { expect, it } from 'vitest'
import { readEmbeddingsRequest } from './embeddings.ts'

it.each([
  ['tokens', [9_906, 4_435]],
  ['lists of tokens', [[9_906], [4_435]]],
])('refuses %s as input and names the setting of LangChain', (_, input) => {
  const refused = readEmbeddingsRequest({ model: 'm', input }, 'Google')
  expect(refused).toMatchObject({ status: 'refused', param: 'input' })
  expect(refused).toMatchObject({
    message: expect.stringMatching(/must be a string.*Google.*check_embedding_ctx_length=False/),
  })
})

it.each([
  [7, 'input', /must be a string or an array/],
  [[], 'input', /must not be empty/],
  ['', 'input', /must not be empty/],
  [['a', 7], 'input.1', /must be a string, not a number/],
  [['a', ''], 'input.1', /must not be empty/],
  [{ text: 'a' }, 'input', /must be a string or an array/],
  [undefined, 'input', /is required/],
])('names the mistake in the input %j', (input, param, message) => {
  const refused = readEmbeddingsRequest({ model: 'm', ...(input === undefined ? {} : { input }) }, 'Google')
  expect(refused).toMatchObject({ status: 'refused', param, message: expect.stringMatching(message) })
})
