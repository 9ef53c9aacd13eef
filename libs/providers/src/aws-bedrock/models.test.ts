import { expect, it } from 'vitest'
import { foundationModel, modelPath } from './models.ts'

it.each([
  ['anthropic.claude-sonnet-4-5-20250929-v1:0', 'anthropic', 'claude-sonnet-4-5-20250929-v1:0'],
  ['us-gov.anthropic.claude-3-haiku-20240307-v1:0:200k', 'anthropic', 'claude-3-haiku-20240307-v1:0:200k'],
  ['global.anthropic.claude-opus-4-6-v1', 'anthropic', 'claude-opus-4-6-v1'],
  ['openai.gpt-oss-120b-1:0', 'openai', 'gpt-oss-120b-1:0'],
  ['arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0', 'amazon', 'nova-pro-v1:0'],
  ['arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.amazon.nova-2-lite-v1:0', 'amazon', 'nova-2-lite-v1:0'],
  ['arn:aws:bedrock:us-east-1:1:custom-model/amazon.nova-lite-v1:0:300k/a1b2c3', 'amazon', 'nova-lite-v1:0:300k'],
  ['deepseek.v3.2', 'deepseek', 'v3.2'],
  ['us.deepseek.r1-v1:0', 'deepseek', 'r1-v1:0'],
  ['moonshotai.kimi-k2.5', 'moonshotai', 'kimi-k2.5'],
])('%s is a model of %s: %s', (id, maker, name) => {
  expect(foundationModel(id)).toEqual({ maker, name })
})

it.each([
  'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3',
  'arn:aws:bedrock:us-east-1:123456789012:provisioned-model/a1b2c3',
  'arn:aws:bedrock:us-east-1:123456789012:imported-model/a1b2c3',
  'custom',
  '',
])('%j does not show its model', (id) => {
  expect(foundationModel(id)).toBeUndefined()
})

it('a path contains the id as one segment', () => {
  expect(modelPath('arn:aws:bedrock:us-east-1::foundation-model/m', 'converse')).toBe(
    '/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Afoundation-model%2Fm/converse',
  )
})

it.each(['..', '.', '', 'a b', 'a?b', `a${'b'.repeat(2_048)}`])('%j is refused as a model id', (id) => {
  expect(modelPath(id, 'invoke')).toMatchObject({ status: 'refused', param: 'model' })
})
