import type { ProviderId } from '@sluice/contracts'
import { expect, it } from 'vitest'
import { providerAdapter } from './adapters.ts'
import { promptPool } from './wire/pool-name.ts'

const CHAT = '/v1/chat/completions'
const MESSAGES = '/v1/messages'
const GEMINI = '/v1beta/models/gemini-2.5-pro'
const GROQ = '/openai/v1/chat/completions'
const NOVA = '/model/amazon.nova-pro-v1:0'

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
  ['aws-bedrock', `${NOVA}/converse`, {}, 1_000, ''],
  ['aws-bedrock', `${NOVA}/converse`, { serviceTier: { type: 'flex' } }, 1_000, 'flex'],
  ['aws-bedrock', `${NOVA}/converse`, { performanceConfig: { latency: 'optimized' } }, 1_000, 'optimized'],
  ['aws-bedrock', `${NOVA}/invoke`, { service_tier: 'priority' }, 1_000, 'priority'],
  ['aws-bedrock', `${NOVA}/invoke`, {}, 300_000, 'long'],
  ['aws-bedrock', `${NOVA}/count-tokens`, {}, 0, 'count-tokens'],
])('names the pool of %s %s %j of %i tokens "%s"', (provider, path, body, promptTokens, pool) => {
  expect(poolOf(provider, path, body, promptTokens)).toBe(pool)
})

it('reads the tier of InvokeModel from its headers', () => {
  const headers = { 'x-amzn-bedrock-service-tier': 'flex', 'x-amzn-bedrock-performanceconfig-latency': 'optimized' }
  expect(poolOf('aws-bedrock', `${NOVA}/invoke`, {}, 1_000, headers)).toBe('flex+optimized')
})

function poolOf(provider: ProviderId, path: string, body: unknown, promptTokens: number, headers = {}): string {
  const adapter = providerAdapter(provider)
  const operation = adapter?.operation('POST', path)
  if (adapter === undefined || operation === undefined) return expect.fail('there is no such operation')
  return promptPool(adapter.pool(operation, body, headers), promptTokens, adapter)
}
