import { expect, it } from 'vitest'
import { claudeGeneration, isClaudeBefore } from './generation.ts'

it.each([
  ['claude-3-haiku-20240307', 3],
  ['claude-3-5-sonnet-20241022', 3.05],
  ['claude-3-7-sonnet-latest', 3.07],
  ['claude-3.7-sonnet', 3.07],
  ['claude-opus-4-20250514', 4],
  ['claude-opus-4-0', 4],
  ['claude-opus-4-1@20250805', 4.01],
  ['claude-sonnet-4-5-20250929', 4.05],
  ['anthropic/claude-sonnet-4.5', 4.05],
  ['anthropic.claude-haiku-4-5-20251001-v1:0', 4.05],
  ['arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-opus-4-5-20251101-v1:0', 4.05],
  ['claude-opus-4-6', 4.06],
  ['anthropic.claude-opus-4-6-v1', 4.06],
  ['claude-opus-4-10-preview', 4.1],
  ['claude-fable-5-2', 5.02],
  ['claude-opus-5', 5],
  ['Claude-Sonnet-5', 5],
  ['claude-2.1', 2.01],
  ['anthropic.claude-v2:1', 2.01],
  ['claude-instant-1.2', 1.02],
  ['claude-instant-v1', 1],
  ['claude-mythos-preview', undefined],
  ['claude-latest', undefined],
  ['notclaude-3-opus', undefined],
  ['my-fine-tune', undefined],
  ['', undefined],
])('reads the generation of %s', (name, generation) => {
  expect(claudeGeneration(name)).toEqual(generation === undefined ? undefined : expect.closeTo(generation, 5))
})

it('compares generations by their numbers, and takes what says none for the newest', () => {
  expect(isClaudeBefore('claude-haiku-4-5', 4.06)).toBe(true)
  expect(isClaudeBefore('claude-opus-4-10', 4.06)).toBe(false)
  expect(isClaudeBefore('claude-opus-4-6', 4.06)).toBe(false)
  expect(isClaudeBefore('claude-mythos-preview', 99)).toBe(false)
})
