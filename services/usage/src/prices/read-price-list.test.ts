import { expect, it } from 'vitest'
import { priceOf } from './price-list.ts'
import { readPriceList } from './read-price-list.ts'

it.each([
  ['openai', 'gpt-4o-mini-2024-07-18'],
  ['anthropic', 'claude-sonnet-4-5-20250929'],
  ['google', 'models/gemini-2.5-flash'],
  ['groq', 'llama-3.3-70b-versatile'],
  ['aws-bedrock', 'eu.anthropic.claude-haiku-4-5-20251001-v1:0'],
])('knows the price of %s %s without a file of its own', async (provider, model) => {
  const found = priceOf(await readPriceList(undefined), provider, model)
  expect(found?.output).toBeGreaterThan(found?.input ?? Number.NaN)
})
