import { describe, expect, it } from 'vitest'
import { messageOf } from '../../test/fixtures/anthropic/translated.ts'
import { unifiedRequest } from '../../test/fixtures/anthropic/unified-request.ts'
import { toMessageCall } from './request.ts'

const ADAPTIVE = { type: 'adaptive', display: 'summarized' }
const TOOLS = [{ type: 'function', function: { name: 'f' } }]

describe('reasoning effort', () => {
  it.each([
    ['claude-opus-4-6', 'minimal', ADAPTIVE, { effort: 'low' }],
    ['claude-sonnet-4-6', 'low', ADAPTIVE, { effort: 'low' }],
    ['claude-opus-4-8', 'medium', ADAPTIVE, { effort: 'medium' }],
    ['claude-haiku-5-5', 'high', ADAPTIVE, { effort: 'high' }],
    ['claude-fable-5-2', 'xhigh', ADAPTIVE, { effort: 'xhigh' }],
    ['claude-opus-4-7', 'xhigh', ADAPTIVE, { effort: 'xhigh' }],
    ['claude-opus-4-6', 'max', ADAPTIVE, { effort: 'max' }],
    ['claude-sonnet-4-6@20260217', 'high', ADAPTIVE, { effort: 'high' }],
    ['claude-mythos-preview', 'xhigh', ADAPTIVE, { effort: 'xhigh' }],
    ['my-claude', 'max', ADAPTIVE, { effort: 'max' }],
    ['claude-opus-4-5@20251101', 'medium', { type: 'enabled', budget_tokens: 5_000 }, undefined],
    ['claude-sonnet-4-5-20250929-v1:0', 'max', { type: 'enabled', budget_tokens: 9_500 }, undefined],
    ['anthropic/claude-sonnet-4.5', 'medium', { type: 'enabled', budget_tokens: 5_000 }, undefined],
    ['claude-3-5-haiku-20241022', 'none', undefined, undefined],
    ['claude-opus-4-7', 'none', { type: 'disabled' }, undefined],
    ['claude-haiku-4-5-20251001', 'none', { type: 'disabled' }, undefined],
    ['claude-haiku-4-5-20251001', 'minimal', { type: 'enabled', budget_tokens: 1_024 }, undefined],
    ['claude-sonnet-4-5', 'low', { type: 'enabled', budget_tokens: 2_000 }, undefined],
    ['claude-opus-4-1', 'medium', { type: 'enabled', budget_tokens: 5_000 }, undefined],
    ['claude-sonnet-4-20250514', 'high', { type: 'enabled', budget_tokens: 8_000 }, undefined],
    ['claude-3-7-sonnet-latest', 'xhigh', { type: 'enabled', budget_tokens: 9_000 }, undefined],
  ])('for %s is translated at level %s', (model, effort, thinking, outputConfig) => {
    const request = unifiedRequest({ reasoning_effort: effort, max_completion_tokens: 10_000 }, model)
    const message = messageOf(request)
    expect(message.thinking).toEqual(thinking)
    expect(message.output_config).toEqual(outputConfig)
    expect(message.max_tokens).toBe(10_000)
  })

  it('can be combined with a schema', () => {
    const format = { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object' } } }
    expect(messageOf(unifiedRequest({ reasoning_effort: 'low', response_format: format })).output_config).toEqual({
      effort: 'low',
      format: { type: 'json_schema', schema: { type: 'object' } },
    })
  })

  it.each(['claude-opus-4-6', 'claude-sonnet-4-6'])(
    '"xhigh" is refused for %s, with the levels that exist',
    (model) => {
      expect(toMessageCall(unifiedRequest({ reasoning_effort: 'xhigh' }, model))).toMatchObject({
        status: 'refused',
        param: 'reasoning_effort',
        message: `The model "${model}" has no reasoning effort "xhigh", only none, minimal, low, medium, high and max.`,
      })
    },
  )

  it.each(['claude-3-haiku-20240307', 'claude-3-5-sonnet-latest', 'claude-2.1'])(
    'is refused for %s, which does not reason',
    (model) => {
      expect(toMessageCall(unifiedRequest({ reasoning_effort: 'low' }, model))).toMatchObject({
        status: 'refused',
        param: 'reasoning_effort',
        message: `The model "${model}" does not reason.`,
      })
    },
  )

  const FORCED = [{ tool_choice: 'required' }, { tool_choice: { type: 'function', function: { name: 'f' } } }]

  it.each<[Record<string, unknown>, string, string]>([
    [{ tools: TOOLS, ...FORCED[0] }, 'claude-haiku-4-5', 'tool_choice'],
    [{ tools: TOOLS, ...FORCED[1] }, 'claude-haiku-4-5', 'tool_choice'],
    [{ tools: TOOLS, ...FORCED[0] }, 'claude-3-7-sonnet-latest', 'tool_choice'],
    [{ temperature: 0.5 }, 'claude-sonnet-4-6', 'temperature'],
    [{ top_p: 0.94 }, 'claude-sonnet-4-6', 'top_p'],
  ])('is refused together with %j for %s', (parameters, model, param) => {
    expect(toMessageCall(unifiedRequest({ reasoning_effort: 'low', ...parameters }, model))).toMatchObject({ param })
    expect(toMessageCall(unifiedRequest({ reasoning_effort: 'none', ...parameters }, model)).status).toBe('translated')
  })

  it.each(['claude-opus-4-6', 'claude-sonnet-4-6', 'claude-opus-5', 'claude-mythos-preview'])(
    'can be combined with a forced tool call for %s',
    (model) => {
      for (const [choice, expected] of [
        [FORCED[0], { type: 'any' }],
        [FORCED[1], { type: 'tool', name: 'f' }],
      ]) {
        expect(messageOf(unifiedRequest({ reasoning_effort: 'high', tools: TOOLS, ...choice }, model))).toMatchObject({
          thinking: ADAPTIVE,
          output_config: { effort: 'high' },
          tool_choice: expected,
        })
      }
    },
  )

  it.each([{ tools: TOOLS, tool_choice: 'auto' }, { temperature: 1 }, { top_p: 0.95 }])(
    'can be combined with %j',
    (parameters) => {
      expect(toMessageCall(unifiedRequest({ reasoning_effort: 'low', ...parameters })).status).toBe('translated')
    },
  )

  it('is refused where the output maximum is below the smallest budget', () => {
    const withMaximum = (maximum: number) =>
      toMessageCall(unifiedRequest({ reasoning_effort: 'high', max_tokens: maximum }, 'claude-haiku-4-5'))
    expect(withMaximum(1_024)).toMatchObject({ param: 'reasoning_effort', message: expect.stringContaining('1024') })
    expect(withMaximum(1_025).status).toBe('translated')
  })
})
