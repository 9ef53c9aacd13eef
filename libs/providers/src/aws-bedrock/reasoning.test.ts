import { expect, it } from 'vitest'
import { CLAUDE, converseBody, NOVA, refusal, unifiedRequest } from '../../test/fixtures/aws-bedrock/unified-request.ts'
import { toConverseCall } from './request.ts'

const ADAPTIVE = 'global.anthropic.claude-opus-4-6-v1'
const GPT = 'openai.gpt-oss-120b-1:0'
const NOVA_2 = 'us.amazon.nova-2-lite-v1:0'
const PROFILE = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3'

it.each([
  [ADAPTIVE, 'high', { thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'high' } }],
  [ADAPTIVE, 'none', { thinking: { type: 'disabled' } }],
  [CLAUDE, 'medium', { thinking: { type: 'enabled', budget_tokens: 2_048 } }],
  [GPT, 'low', { reasoning_effort: 'low' }],
  [NOVA_2, 'high', { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'high' } }],
  [NOVA_2, 'none', { reasoningConfig: { type: 'disabled' } }],
  ['amazon.nova-premier-v2:0', 'low', { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'low' } }],
  ['us.amazon.nova-3-pro-v1:0', 'low', { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'low' } }],
  ['openai.gpt-6', 'xhigh', { reasoning_effort: 'xhigh' }],
  [
    'anthropic.claude-opus-4-7',
    'xhigh',
    { thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'xhigh' } },
  ],
  [
    'anthropic.claude-mythos-preview',
    'max',
    { thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'max' } },
  ],
])('%s gets the effort %s in its own format', (model, effort, fields) => {
  expect(converseBody({ reasoning_effort: effort }, model).additionalModelRequestFields).toEqual(fields)
})

it('a budget is a share of the maximum, which the request then states', () => {
  expect(converseBody({ reasoning_effort: 'low' }, CLAUDE).inferenceConfig).toEqual({ maxTokens: 4_096 })
  expect(converseBody({ reasoning_effort: 'high', max_tokens: 10_000 }, CLAUDE)).toMatchObject({
    inferenceConfig: { maxTokens: 10_000 },
    additionalModelRequestFields: { thinking: { budget_tokens: 8_000 } },
  })
})

it.each([
  [NOVA, { reasoning_effort: 'low' }, 'reasoning_effort'],
  ['amazon.titan-text-express-v1', { reasoning_effort: 'low' }, 'reasoning_effort'],
  ['meta.llama3-3-70b-instruct-v1:0', { reasoning_effort: 'low' }, 'reasoning_effort'],
  ['anthropic.claude-3-haiku-20240307-v1:0', { reasoning_effort: 'low' }, 'reasoning_effort'],
  [ADAPTIVE, { reasoning_effort: 'xhigh' }, 'reasoning_effort'],
  [PROFILE, { reasoning_effort: 'low' }, 'reasoning_effort'],
  [GPT, { reasoning_effort: 'minimal' }, 'reasoning_effort'],
  [NOVA_2, { reasoning_effort: 'xhigh' }, 'reasoning_effort'],
  [NOVA_2, { reasoning_effort: 'high', max_tokens: 9 }, 'max_tokens'],
  [NOVA_2, { reasoning_effort: 'high', temperature: 0.5 }, 'temperature'],
  [CLAUDE, { reasoning_effort: 'low', max_tokens: 1_024 }, 'reasoning_effort'],
  [CLAUDE, { reasoning_effort: 'low', temperature: 0.5 }, 'temperature'],
])('%s refuses %j', (model, body, param) => {
  expect(refusal(toConverseCall(unifiedRequest(body, { model }))).param).toBe(param)
})

it('adaptive thinking can be combined with a forced tool call, a budget cannot', () => {
  const body = {
    reasoning_effort: 'high',
    tool_choice: 'required',
    tools: [{ type: 'function', function: { name: 'f' } }],
  }
  expect(converseBody(body, ADAPTIVE)).toMatchObject({
    toolConfig: { toolChoice: { any: {} } },
    additionalModelRequestFields: { thinking: { type: 'adaptive' }, output_config: { effort: 'high' } },
  })
  expect(refusal(toConverseCall(unifiedRequest(body, { model: CLAUDE }))).param).toBe('tool_choice')
})
