import { expect, it } from 'vitest'
import { claudeGeneration, isClaudeBefore } from './parameters.ts'

it.each([
  ['claude-3-haiku-20240307', 300],
  ['claude-3-5-sonnet-20241022', 305],
  ['claude-3-7-sonnet-latest', 307],
  ['claude-3.7-sonnet', 307],
  ['claude-opus-4-20250514', 400],
  ['claude-opus-4-0', 400],
  ['claude-opus-4-1@20250805', 401],
  ['claude-sonnet-4-5-20250929', 405],
  ['anthropic/claude-sonnet-4.5', 405],
  ['anthropic.claude-haiku-4-5-20251001-v1:0', 405],
  ['arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-opus-4-5-20251101-v1:0', 405],
  ['claude-opus-4-6', 406],
  ['anthropic.claude-opus-4-6-v1', 406],
  ['claude-opus-4-10-preview', 410],
  ['claude-fable-5-2', 502],
  ['claude-opus-5', 500],
  ['Claude-Sonnet-5', 500],
  ['claude-2.1', 201],
  ['anthropic.claude-v2:1', 201],
  ['claude-instant-1.2', 102],
  ['claude-instant-v1', 100],
  ['claude-mythos-preview', undefined],
  ['claude-latest', undefined],
  ['notclaude-3-opus', undefined],
  ['my-fine-tune', undefined],
  ['', undefined],
])('reads the generation of %s', (name, generation) => {
  expect(claudeGeneration(name)).toBe(generation)
})

it('compares generations by number, and treats a name without one as the newest', () => {
  expect(isClaudeBefore('claude-haiku-4-5', 406)).toBe(true)
  expect(isClaudeBefore('claude-opus-4-10', 406)).toBe(false)
  expect(isClaudeBefore('claude-opus-4-6', 406)).toBe(false)
  expect(isClaudeBefore('claude-mythos-preview', 9_900)).toBe(false)
})
