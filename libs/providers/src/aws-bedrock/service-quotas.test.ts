import { describe, expect, it } from 'vitest'
import { readBedrockQuota } from './service-quotas.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

it.each([
  ['On-demand model inference requests per minute', 'requests-per-minute', MINUTE_MS],
  ['On-demand model inference tokens per minute', 'tokens-per-minute', MINUTE_MS],
  ['On-demand InvokeModel tokens per minute', 'tokens-per-minute', MINUTE_MS],
  ['On-demand model inference input tokens per minute', 'input-tokens-per-minute', MINUTE_MS],
  ['On-Demand model inference Output tokens per day', 'output-tokens-per-day', DAY_MS],
  ['Model invocation max tokens per day', 'tokens-per-day', DAY_MS],
])('reads the dimension of "%s"', (words, dimension, periodMs) => {
  expect(readBedrockQuota(`${words} for Amazon Nova Lite`, 'eu-central-1')).toEqual({
    model: 'amazon.nova-lite-v1:0',
    isModelKnown: true,
    dimension,
    periodMs,
  })
})

describe('the model', () => {
  it.each([
    ['Anthropic Claude 3.5 Sonnet', 'anthropic.claude-3-5-sonnet-20240620-v1:0'],
    ['Anthropic Claude 3.5 Sonnet V2', 'anthropic.claude-3-5-sonnet-20241022-v2:0'],
    ['Anthropic Claude Sonnet 4 V1', 'anthropic.claude-sonnet-4-20250514-v1:0'],
    ['Anthropic Claude Sonnet 4.5 V1', 'anthropic.claude-sonnet-4-5-20250929-v1:0'],
    ['Anthropic Claude Haiku 4.5', 'anthropic.claude-haiku-4-5-20251001-v1:0'],
    ['Amazon Titan Text Embeddings', 'amazon.titan-embed-text-v1'],
    ['Amazon Titan Text Embeddings V2', 'amazon.titan-embed-text-v2:0'],
    ['OpenAI GPT OSS 120B', 'openai.gpt-oss-120b-1:0'],
    ['Qwen3 235B a22b 2507 V1', 'qwen.qwen3-235b-a22b-2507-v1:0'],
  ])('%s is %s', (name, model) => {
    expect(read(`On-demand model inference tokens per minute for ${name}`)).toMatchObject({ model, isModelKnown: true })
  })

  it.each(['Anthropic Claude 9', 'Anthropic Claude Sonnet 4.5 V1 1M Context Length', 'Anthropic Claude 3.5 Sonnet V3'])(
    '%s has no certain id',
    (name) => {
      const quota = read(`On-demand model inference tokens per minute for ${name}`)
      expect(quota).toMatchObject({ model: name, isModelKnown: false })
    },
  )
})

describe('ways of calling have separate models', () => {
  const PER_MINUTE = 'tokens per minute for Amazon Nova Lite'

  it.each([
    [`Cross-region model inference ${PER_MINUTE}`, 'us-east-1', 'us.amazon.nova-lite-v1:0'],
    [`Cross-Region model inference ${PER_MINUTE}`, 'eu-north-1', 'eu.amazon.nova-lite-v1:0'],
    [`Cross-Region InvokeModel ${PER_MINUTE}`, 'us-gov-west-1', 'us-gov.amazon.nova-lite-v1:0'],
    [`Global cross-region model inference ${PER_MINUTE}`, 'ap-northeast-1', 'global.amazon.nova-lite-v1:0'],
    [
      'Model invocation max tokens per day for Amazon Nova Lite (doubled for cross-region calls)',
      'us-east-1',
      'amazon.nova-lite-v1:0',
    ],
  ])('%s in %s gets an id', (name, region, model) => {
    expect(readBedrockQuota(name, region)).toMatchObject({ model, isModelKnown: true })
  })

  it.each([
    [`Cross-region model inference ${PER_MINUTE}`, 'ap-northeast-1', 'Amazon Nova Lite (cross-region)'],
    ['Global cross-region model inference tokens per day for Nova 9', 'us-east-1', 'Nova 9 (global cross-region)'],
    [
      `On-Demand, latency-optimized model inference ${PER_MINUTE}`,
      'us-east-1',
      'Amazon Nova Lite (on-demand, latency-optimized)',
    ],
    [
      `Cross-Region Latency-Optimized InvokeModel ${PER_MINUTE}`,
      'us-east-1',
      'Amazon Nova Lite (cross-region, latency-optimized)',
    ],
  ])('%s in %s gets a name that no call contains', (name, region, model) => {
    expect(readBedrockQuota(name, region)).toMatchObject({ model, isModelKnown: false })
  })
})

it.each([
  'On-demand model inference concurrent requests for Amazon Nova Sonic',
  'On-demand model inference tokens per fortnight for Amazon Nova Lite',
  'Cross-region model inference tokens per minute',
  'Model invocation max tokens per week for Amazon Nova Lite',
])('reports "%s" as unreadable', (name) => {
  expect(read(name)).toBe('unreadable')
})

it.each([
  '',
  'Records per batch inference job for Claude 3 Sonnet',
  'Model units per provisioned model for Amazon Titan Text Embeddings V2',
  '(Guardrails) On-demand ApplyGuardrail requests per second',
  '[bedrock-mantle endpoint] Output tokens per minute for Claude Opus 4.7',
  'InvokeAgent requests per second',
])('ignores "%s"', (name) => {
  expect(read(name)).toBe('other')
})

function read(name: string) {
  return readBedrockQuota(name, 'eu-central-1')
}
