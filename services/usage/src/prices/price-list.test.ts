import { expect, it } from 'vitest'
import { costUsd, type PriceList, priceOf } from './price-list.ts'

const price = (input: number) => ({ input, output: 10 * input })
const PRICES: PriceList = {
  asOf: '2026-01-31',
  providers: {
    openai: {
      source: 'https://example.com',
      models: { 'gpt-5': price(1), 'gpt-5-mini': price(2), 'gpt-4o': price(3), 'claude-opus-4': price(4) },
    },
    'aws-bedrock': {
      source: 'https://example.com',
      ignoredPrefixes: ['global.', 'us.'],
      models: { 'anthropic.claude-sonnet-4-5': price(5) },
    },
  },
}

it.each([
  ['openai', 'gpt-5', 1],
  ['openai', 'gpt-5-2025-08-07', 1],
  ['openai', 'gpt-5-latest', 1],
  ['openai', 'gpt-5-mini', 2],
  ['openai', 'gpt-5-mini-2025-08-07', 2],
  ['openai', 'claude-opus-4-20250514', 4],
  ['aws-bedrock', 'anthropic.claude-sonnet-4-5-20250929-v1:0', 5],
  ['aws-bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 5],
])('finds the price of %s %s by the longest name', (provider, model, input) => {
  expect(priceOf(PRICES, provider, model)?.input).toBe(input)
})

it.each([
  ['openai', ''],
  ['openai', 'gpt-5.1'],
  ['openai', 'gpt-5-nano'],
  ['openai', 'gpt-4o-realtime-preview'],
  ['openai', 'claude-opus-4-9'],
  ['openai', 'us.gpt-5'],
  ['google', 'gpt-5'],
  ['constructor', 'gpt-5'],
])('knows no price of %s %s', (provider, model) => {
  expect(priceOf(PRICES, provider, model)).toBeUndefined()
})

it('charges cached input apart, at the price of input where it has none', () => {
  const tokens = {
    inputTokens: 3_000_000,
    cachedInputTokens: 1_000_000,
    cacheWriteInputTokens: 0,
    outputTokens: 500_000,
  }
  expect(costUsd({ input: 2, cachedInput: 0.5, output: 10 }, tokens)).toBeCloseTo(9.5, 12)
  expect(costUsd({ input: 2, output: 10 }, tokens)).toBeCloseTo(11, 12)
})

it('charges what is written to the cache apart, at the price of input where it has none, and no token twice', () => {
  const tokens = {
    inputTokens: 3_000_000,
    cachedInputTokens: 1_000_000,
    cacheWriteInputTokens: 1_000_000,
    outputTokens: 500_000,
  }
  const price = { input: 2, cachedInput: 0.5, output: 10 }
  expect(costUsd({ ...price, cacheWriteInput: 2.5 }, tokens)).toBeCloseTo(10, 12)
  expect(costUsd(price, tokens)).toBeCloseTo(9.5, 12)
  const more = { ...tokens, cacheWriteInputTokens: 9_000_000 }
  expect(costUsd({ ...price, cacheWriteInput: 2.5 }, more)).toBeCloseTo(10.5, 12)
})
