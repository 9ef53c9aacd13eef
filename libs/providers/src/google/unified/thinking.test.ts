import { describe, expect, it } from 'vitest'
import { thinkingConfig } from './thinking.ts'

describe('the effort', () => {
  it.each([
    ['gemini-3-pro-preview', ['low', 'low', 'high', 'high']],
    ['gemini-3.1-pro-preview', ['low', 'low', 'medium', 'high']],
    ['gemini-3-flash-preview', ['minimal', 'low', 'medium', 'high']],
    ['gemini-3.5-flash', ['minimal', 'low', 'medium', 'high']],
  ])('of %s is a level', (model, levels) => {
    expect(EFFORTS.map((effort) => thinkingConfig(effort, model))).toEqual(
      levels.map((thinkingLevel) => ({ includeThoughts: true, thinkingLevel })),
    )
  })

  it.each(['gemini-2.5-pro', 'gemini-2.5-flash-lite', 'gemini-flash-latest'])('of %s is a budget', (model) => {
    expect(EFFORTS.map((effort) => thinkingConfig(effort, model))).toEqual(
      [1_024, 1_024, 8_192, 24_576].map((thinkingBudget) => ({ includeThoughts: true, thinkingBudget })),
    )
  })

  it.each(['gemini-2.0-flash', 'gemini-1.5-pro', 'gemma-3-27b-it'])('of %s is none', (model) => {
    expect(thinkingConfig('none', model)).toBeUndefined()
    expect(thinkingConfig('low', model)).toMatchObject({ status: 'refused', param: 'reasoning_effort' })
  })

  it.each([
    ['gemini-2.5-flash', { thinkingBudget: 0 }],
    ['gemini-2.5-pro', { status: 'refused' }],
    ['gemini-3-flash-preview', { status: 'refused' }],
  ])('none of %s', (model, config) => {
    expect(thinkingConfig('none', model)).toMatchObject(config)
  })

  it('that is not told is up to the model', () => {
    expect(thinkingConfig(undefined, 'gemini-3-pro-preview')).toBeUndefined()
  })
})

const EFFORTS = ['minimal', 'low', 'medium', 'high'] as const
