import { expect, it } from 'vitest'
import { bedrockAccess } from './bedrock-access.ts'

const EVERYTHING = { models: ['*'], inferenceProfiles: ['inference-profile/*', 'application-inference-profile/*'] }

it.each([
  ['no list', undefined, EVERYTHING],
  ['*', ['*'], EVERYTHING],
  ['nothing', [], { models: [], inferenceProfiles: [] }],
  [
    'a model',
    ['meta.llama3-1-8b-instruct-v1:0'],
    { models: ['meta.llama3-1-8b-instruct-v1:0'], inferenceProfiles: [] },
  ],
  ['models', ['anthropic.*', 'amazon.nova-*'], { models: ['anthropic.*', 'amazon.nova-*'], inferenceProfiles: [] }],
  ['a maker of few letters', ['zai.glm-4.7'], { models: ['zai.glm-4.7'], inferenceProfiles: [] }],
  [
    'a profile',
    ['eu.anthropic.claude-*'],
    { models: [], inferenceProfiles: ['inference-profile/eu.anthropic.claude-*'] },
  ],
  ['a profile of every geography', ['*.meta.*'], { models: [], inferenceProfiles: ['inference-profile/*.meta.*'] }],
  ['what may be either', ['*claude*'], { models: ['*claude*'], inferenceProfiles: ['inference-profile/*claude*'] }],
  [
    'ARNs',
    [
      'arn:aws:bedrock:eu-central-1::foundation-model/amazon.nova-lite-v1:0',
      'arn:aws:bedrock:eu-central-1:111122223333:inference-profile/eu.amazon.nova-lite-v1:0',
      'arn:aws:bedrock:eu-central-1:111122223333:application-inference-profile/abc123',
    ],
    {
      models: ['amazon.nova-lite-v1:0'],
      inferenceProfiles: ['inference-profile/eu.amazon.nova-lite-v1:0', 'application-inference-profile/abc123'],
    },
  ],
  ['the same twice', ['*.x', '*.x'], { models: [], inferenceProfiles: ['inference-profile/*.x'] }],
  ['what a policy would take for a pattern', ['a?', '$b', 'c,d', ' '], { models: [], inferenceProfiles: [] }],
])('of %s', (_, allowedModels, access) => {
  expect(bedrockAccess(allowedModels)).toEqual(access)
})

it.each(['global', 'us', 'us-gov', 'apac', 'jp'])('takes %s for a geography', (geography) => {
  const { inferenceProfiles } = bedrockAccess([`${geography}.anthropic.claude`])
  expect(inferenceProfiles).toEqual([`inference-profile/${geography}.anthropic.claude`])
})
