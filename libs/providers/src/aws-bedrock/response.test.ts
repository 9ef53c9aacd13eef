import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CHAT_USAGE, EXTRA_CONTENT, TOOL_ANSWER } from '../../test/fixtures/aws-bedrock/answers.ts'
import { CLAUDE, converseBody, unifiedRequest } from '../../test/fixtures/aws-bedrock/unified-request.ts'
import { requestedChat } from '../unified/native-call.ts'
import { toChatCompletion } from './response.ts'

const ASKED = requestedChat(unifiedRequest({}, { model: CLAUDE }), {})
const answer = (content: unknown, stopReason: unknown = 'end_turn') => ({
  output: { message: { role: 'assistant', content } },
  stopReason,
})

it('a whole answer is a chat completion', () => {
  expect(toChatCompletion(ASKED, TOOL_ANSWER)).toEqual({
    id: 'chatcmpl-a1',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: CLAUDE,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: 'naïve 🙂',
          refusal: null,
          reasoning_content: 'Both cities.',
          tool_calls: [
            { id: 't1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
            { id: 't2', type: 'function', function: { name: 'now', arguments: '{}' } },
          ],
          extra_content: EXTRA_CONTENT,
        },
        finish_reason: 'tool_calls',
        logprobs: null,
      },
    ],
    usage: CHAT_USAGE,
  })
})

it('its message, sent back with the results, is the answer again', () => {
  const message = completion(TOOL_ANSWER)?.choices[0]?.message
  const results = ['t1', 't2'].map((tool_call_id) => ({ role: 'tool', tool_call_id, content: 'x' }))
  const messages = [{ role: 'user', content: 'Hi' }, message, ...results]
  const tools = ['weather', 'now'].map((name) => ({ type: 'function', function: { name } }))
  expect(converseBody({ messages, tools }).messages).toMatchObject([{}, TOOL_ANSWER.output.message, { role: 'user' }])
})

describe('the finish reason', () => {
  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['content_filtered', 'content_filter'],
    ['guardrail_intervened', 'content_filter'],
    ['Unheard_Of', 'unheard_of'],
    [undefined, 'stop'],
  ])('%s is %s', (stopReason, reason) => {
    expect(completion(answer([{ text: 'a' }], stopReason))?.choices[0]?.finish_reason).toBe(reason)
  })
})

it('blocks of unknown kinds and reasoning without a signature are not to be sent back', () => {
  const content = [
    { reasoningContent: { reasoningText: { text: '[REDACTED].' } } },
    { toolUse: { toolUseId: 's', name: 'nova_grounding', input: {}, type: 'server_tool_use' } },
    { unheardOf: {} },
    { citationsContent: { content: [{ text: 'ci' }, { text: 'ted' }], citations: [] } },
  ]
  expect(completion(answer(content))?.choices[0]?.message).toEqual({
    role: 'assistant',
    content: 'cited',
    refusal: null,
    reasoning_content: '[REDACTED].',
  })
})

it.each([
  ['nothing', null],
  ['no message', { output: {} }],
])('%s is no chat completion', (_, whole) => {
  expect(toChatCompletion(ASKED, whole)).toBeUndefined()
})

it.each([
  ['an image', answer([{ image: { format: 'png', source: { bytes: 'AA==' } } }]), 'unsupported_operation'],
  ['a tool call without an id', answer([{ toolUse: { name: 'f', input: {} } }], 'tool_use'), null],
  ['a malformed tool call', answer([{ text: 'a' }], 'malformed_tool_use'), 'malformed_tool_use'],
  ['a malformed answer', answer([], 'malformed_model_output'), 'malformed_model_output'],
])('%s is a failure with a reason', (_, whole, code) => {
  expect(toChatCompletion(ASKED, whole)).toEqual({ failure: { message: expect.stringMatching(/./), code } })
})

function completion(whole: object) {
  const told = toChatCompletion(ASKED, whole)
  if (told !== undefined && 'failure' in told) throw new Error(told.failure.message)
  return told
}

it('no answer makes it throw', () => {
  const block = fc.record(
    {
      text: fc.jsonValue(),
      toolUse: fc.jsonValue(),
      reasoningContent: fc.jsonValue(),
      citationsContent: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  const content = fc.oneof(
    fc.jsonValue(),
    fc.array(block).map((blocks) => answer(blocks)),
  )
  fc.assert(fc.property(content, (whole) => void toChatCompletion(ASKED, whole)))
})
