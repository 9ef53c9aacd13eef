import type { ProviderId } from '@sluice/contracts'
import { describe, expect, it } from 'vitest'
import { burndownRate } from './aws-bedrock/limit-counting.ts'
import { providerAdapter } from './index.ts'

const USAGE = { inputTokens: 30_400, cachedInputTokens: 30_000, cacheWriteInputTokens: 300, outputTokens: 50 }
const REQUEST = { inputTokens: 30_400, cachedInputTokens: 30_000, maxOutputTokens: 8_000, outputTokens: 100 }
const NOVA = 'eu.amazon.nova-lite-v1:0'
const SONNET = 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0'

const countingOf = (provider: ProviderId) => {
  const adapter = providerAdapter(provider)
  if (adapter === undefined) throw new Error(`there is no adapter for ${provider}`)
  return adapter.limitCounting
}

describe('what a provider counts of 30,400 input tokens, 30,000 of them cached, and 50 of output', () => {
  it.each([
    ['openai', 'gpt-4o', 30_400, 50, 30_450],
    ['google', 'gemini-2.5-pro', 30_400, 50, 30_450],
    ['anthropic', 'claude-sonnet-4-6', 400, 50, 450],
    ['anthropic', 'claude-3-7-sonnet-20250219', 400, 50, 450],
    ['anthropic', 'claude-haiku-4-5', 400, 50, 450],
    ['anthropic', 'claude-3-5-haiku-latest', 30_400, 50, 30_450],
    ['anthropic', 'claude-3-haiku-20240307', 30_400, 50, 30_450],
    ['groq', 'openai/gpt-oss-120b', 400, 50, 450],
    ['aws-bedrock', NOVA, 400, 50, 450],
    ['aws-bedrock', SONNET, 400, 250, 650],
  ] as const)('%s, %s', (provider, model, inputTokens, outputTokens, tokens) => {
    expect(countingOf(provider).counted(USAGE, model)).toEqual({ tokens, inputTokens, outputTokens })
  })

  it('is never below nothing, whatever is reported', () => {
    expect(countingOf('anthropic').counted({ ...USAGE, inputTokens: 7 }, 'claude-sonnet-4-6').inputTokens).toBe(0)
  })
})

describe('what is held against a provider’s limits before', () => {
  it.each([
    ['openai', 'gpt-4o', 30_400, 8_000],
    ['google', 'gemini-2.5-pro', 30_400, 8_000],
    // It counts output as it is generated, and no cached input.
    ['anthropic', 'claude-sonnet-4-6', 400, 100],
    ['anthropic', 'claude-3-haiku-20240307', 30_400, 100],
    // It takes what was cached off again afterwards.
    ['groq', 'openai/gpt-oss-120b', 30_400, 8_000],
    ['aws-bedrock', NOVA, 30_400, 8_000],
    ['aws-bedrock', SONNET, 30_400, 8_000],
  ] as const)('%s, %s', (provider, model, inputTokens, outputTokens) => {
    expect(countingOf(provider).expected(REQUEST, model)).toEqual({
      tokens: inputTokens + outputTokens,
      inputTokens,
      outputTokens,
    })
  })

  it('is the expected output at the burndown rate where that is more than the maximum', () => {
    const request = { ...REQUEST, outputTokens: 4_000 }
    expect(countingOf('aws-bedrock').expected(request, SONNET).outputTokens).toBe(20_000)
  })
})

it.each([
  ['anthropic.claude-3-haiku-20240307-v1:0', 5],
  ['us.anthropic.claude-3-7-sonnet-20250219-v1:0', 5],
  ['anthropic.claude-v2:1', 5],
  ['anthropic.claude-opus-4-20250514-v1:0', 5],
  ['global.anthropic.claude-opus-4-7', 5],
  ['us.anthropic.claude-opus-4-8', 15],
  ['us.anthropic.claude-sonnet-5', 10],
  ['anthropic.claude-opus-5-20260901-v1:0', 10],
  ['arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-haiku-4-5-20251001-v1:0', 5],
  ['openai.gpt-5.6-sol-v1:0', 10],
  ['openai.gpt-oss-120b-1:0', 1],
  ['amazon.nova-pro-v1:0', 1],
  ['meta.llama3-3-70b-instruct-v1:0', 1],
  ['', 1],
])('an output token of %j takes %i of its quota', (model, rate) => {
  expect(burndownRate(model)).toBe(rate)
})
