import type { ProviderId } from '@sluice/contracts'
import { describe, expect, it } from 'vitest'
import { burndownRate } from './aws-bedrock/limits.ts'
import { providerAdapter } from './index.ts'
import { promptPool } from './limits.ts'

const USAGE = { inputTokens: 30_400, cachedInputTokens: 30_000, cacheWriteInputTokens: 300, outputTokens: 50 }
const REQUEST = { inputTokens: 30_400, cachedInputTokens: 30_000, maxOutputTokens: 8_000, outputTokens: 100 }
const NOVA = 'eu.amazon.nova-lite-v1:0'
const SONNET = 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0'

const countingOf = (provider: ProviderId) => {
  return providerAdapter(provider).limitCounting
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

describe('the tokens expected to count against a provider’s limits before', () => {
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

const CHAT = '/v1/chat/completions'
const MESSAGES = '/v1/messages'
const GEMINI = '/v1beta/models/gemini-2.5-pro'
const GROQ = '/openai/v1/chat/completions'
const NOVA_CONVERSE = '/model/amazon.nova-pro-v1:0'

it.each<[ProviderId, string, unknown, number, string]>([
  ['openai', CHAT, { model: 'gpt-4.1' }, 1_000, ''],
  ['openai', CHAT, { model: 'gpt-4.1', service_tier: 'auto' }, 1_000, ''],
  ['openai', CHAT, { model: 'gpt-4.1', service_tier: 'flex' }, 1_000, 'flex'],
  ['openai', '/v1/responses', { service_tier: 'priority' }, 1_000, 'priority'],
  ['openai', '/v1/responses', { service_tier: 'fast' }, 1_000, 'priority'],
  ['openai', CHAT, { service_tier: 'flex' }, 200_000, 'flex+long'],
  ['openai', CHAT, {}, 128_001, 'long'],
  ['openai', CHAT, { service_tier: 'made-up' }, 1_000, ''],
  ['openai', CHAT, { service_tier: 'toString' }, 1_000, ''],
  ['openai', CHAT, { service_tier: ['flex'] }, 1_000, ''],
  ['openai', CHAT, [], 1_000, ''],
  ['openai', CHAT, undefined, 0, ''],
  ['openai', '/v1/files', undefined, 0, 'files'],
  ['openai', '/v1/batches/batch_1/cancel', undefined, 0, 'batches'],
  ['openai', `/v1/${'x'.repeat(40)}`, undefined, 0, ''],
  ['openai', '/v1/x;y/z', undefined, 0, ''],
  ['groq', GROQ, { service_tier: 'on_demand' }, 1_000, ''],
  ['groq', GROQ, { service_tier: 'flex' }, 1_000, 'flex'],
  ['groq', GROQ, { service_tier: 'auto' }, 1_000, 'auto'],
  ['groq', '/openai/v1/files', undefined, 0, 'files'],
  ['anthropic', MESSAGES, {}, 200_000, ''],
  ['anthropic', MESSAGES, {}, 200_001, 'long'],
  ['anthropic', MESSAGES, { service_tier: 'auto' }, 1_000, ''],
  ['anthropic', MESSAGES, { service_tier: 'standard_only', speed: 'fast' }, 1_000, 'standard_only+fast'],
  ['anthropic', '/v1/messages/count_tokens', {}, 0, 'count-tokens'],
  ['anthropic', '/v1/messages/batches', { requests: [] }, 0, 'batch'],
  ['google', `${GEMINI}:generateContent`, {}, 1_000, ''],
  ['google', `${GEMINI}:generateContent`, { serviceTier: 'flex' }, 1_000, 'flex'],
  ['google', `${GEMINI}:streamGenerateContent`, { service_tier: 'SERVICE_TIER_PRIORITY' }, 1_000, 'priority'],
  ['google', `${GEMINI}:generateContent`, {}, 200_001, 'long'],
  ['google', `${GEMINI}:countTokens`, {}, 0, 'count-tokens'],
  ['google', `${GEMINI}:batchGenerateContent`, {}, 0, 'batch'],
  ['google', '/v1beta/files', undefined, 0, 'files'],
  ['aws-bedrock', `${NOVA_CONVERSE}/converse`, {}, 1_000, ''],
  ['aws-bedrock', `${NOVA_CONVERSE}/converse`, { serviceTier: { type: 'flex' } }, 1_000, 'flex'],
  ['aws-bedrock', `${NOVA_CONVERSE}/converse`, { performanceConfig: { latency: 'optimized' } }, 1_000, 'optimized'],
  ['aws-bedrock', `${NOVA_CONVERSE}/invoke`, { service_tier: 'priority' }, 1_000, 'priority'],
  ['aws-bedrock', `${NOVA_CONVERSE}/invoke`, {}, 300_000, 'long'],
  ['aws-bedrock', `${NOVA_CONVERSE}/count-tokens`, {}, 0, 'count-tokens'],
])('names the pool of %s %s %j of %i tokens "%s"', (provider, path, body, promptTokens, pool) => {
  expect(poolOf(provider, path, body, promptTokens)).toBe(pool)
})

it('reads the tier of InvokeModel from its headers', () => {
  const headers = { 'x-amzn-bedrock-service-tier': 'flex', 'x-amzn-bedrock-performanceconfig-latency': 'optimized' }
  expect(poolOf('aws-bedrock', `${NOVA_CONVERSE}/invoke`, {}, 1_000, headers)).toBe('flex+optimized')
})

function poolOf(provider: ProviderId, path: string, body: unknown, promptTokens: number, headers = {}): string {
  const adapter = providerAdapter(provider)
  const operation = adapter.operation('POST', path)
  if (operation === undefined) return expect.fail('there is no such operation')
  return promptPool(adapter.pool(operation, body, headers), promptTokens, adapter)
}
