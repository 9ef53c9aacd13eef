import { describe, expect, it } from 'vitest'
import { toThinkingConfig } from './reasoning.ts'

describe('the reasoning effort', () => {
  it.each([
    ['gemini-3-pro-preview', ['low', 'low', 'high', 'high']],
    ['gemini-3.1-pro-preview', ['low', 'low', 'medium', 'high']],
    ['gemini-3-flash-preview', ['minimal', 'low', 'medium', 'high']],
    ['gemini-3.5-flash', ['minimal', 'low', 'medium', 'high']],
    ['models/gemini-3.5-flash', ['minimal', 'low', 'medium', 'high']],
    ['gemini-4-pro', ['low', 'low', 'medium', 'high']],
    ['gemini-4-argon', ['minimal', 'low', 'medium', 'high']],
    ['gemini-flash-latest', ['minimal', 'low', 'medium', 'high']],
    ['gemini-flash-lite-latest', ['minimal', 'low', 'medium', 'high']],
    ['gemini-pro-latest', ['low', 'low', 'medium', 'high']],
    ['gemma-4-31b-it', ['minimal', 'low', 'medium', 'high']],
    ['tunedModels/mine-1a2b', ['minimal', 'low', 'medium', 'high']],
    ['nano-banana-pro-preview', ['low', 'low', 'medium', 'high']],
  ])('becomes a level for %s', (model, levels) => {
    expect(EFFORTS.map((effort) => toThinkingConfig(effort, model))).toEqual(
      levels.map((thinkingLevel) => ({ includeThoughts: true, thinkingLevel })),
    )
  })

  it.each([
    'gemini-2.5-pro',
    'gemini-2.5-flash-lite',
    'models/gemini-2.5-flash-preview-09-2025',
    'gemini-live-2.5-flash-preview',
    'gemini-robotics-er-1.5-preview',
  ])('becomes a budget for %s', (model) => {
    expect(EFFORTS.map((effort) => toThinkingConfig(effort, model))).toEqual(
      [1_024, 1_024, 8_192, 24_576].map((thinkingBudget) => ({ includeThoughts: true, thinkingBudget })),
    )
  })

  it.each([
    'gemini-2.0-flash',
    'gemini-1.5-pro',
    'gemini-pro',
    'learnlm-2.0-flash-experimental',
    'gemma-3-27b-it',
    'gemma-3n-e4b-it',
    'models/gemma-2-9b-it',
  ])('is refused for %s, which does not reason', (model) => {
    expect(toThinkingConfig('none', model)).toBeUndefined()
    expect(toThinkingConfig('low', model)).toMatchObject({ status: 'refused', param: 'reasoning_effort' })
  })

  it.each([
    ['gemini-2.5-flash', { thinkingBudget: 0 }],
    ['gemini-2.5-pro', { status: 'refused' }],
    ['gemini-3-flash-preview', { status: 'refused' }],
    ['gemini-flash-latest', { status: 'refused' }],
  ])('"none" for %s', (model, config) => {
    expect(toThinkingConfig('none', model)).toMatchObject(config)
  })

  it.each(['xhigh', 'max'] as const)('%s is refused with the highest available effort', (effort) => {
    expect(toThinkingConfig(effort, 'gemini-flash-latest')).toMatchObject({
      message: expect.stringContaining('"high"'),
    })
  })

  it('is left to the model where not stated', () => {
    expect(toThinkingConfig(undefined, 'gemini-3-pro-preview')).toBeUndefined()
  })
})

const EFFORTS = ['minimal', 'low', 'medium', 'high'] as const
