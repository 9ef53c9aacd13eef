import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CHAT_USAGE, EXTRA_CONTENT, TOOL_RESPONSE } from '../../test/fixtures/aws-bedrock/responses.ts'
import { CLAUDE, converseBody, unifiedRequest } from '../../test/fixtures/aws-bedrock/unified-request.ts'
import { requestedChat } from '../unified/native-call.ts'
import { toChatCompletion } from './response.ts'

const REQUESTED = requestedChat(unifiedRequest({}, { model: CLAUDE }), {})
const response = (content: unknown, stopReason: unknown = 'end_turn') => ({
  output: { message: { role: 'assistant', content } },
  stopReason,
})

it('a whole response becomes a chat completion', () => {
  expect(toChatCompletion(REQUESTED, TOOL_RESPONSE)).toEqual({
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

it('its message, sent back with the results, becomes the original response', () => {
  const message = completion(TOOL_RESPONSE)?.choices[0]?.message
  const results = ['t1', 't2'].map((tool_call_id) => ({ role: 'tool', tool_call_id, content: 'x' }))
  const messages = [{ role: 'user', content: 'Hi' }, message, ...results]
  const tools = ['weather', 'now'].map((name) => ({ type: 'function', function: { name } }))
  expect(converseBody({ messages, tools }).messages).toMatchObject([{}, TOOL_RESPONSE.output.message, { role: 'user' }])
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
  ])('%s becomes %s', (stopReason, reason) => {
    expect(completion(response([{ text: 'a' }], stopReason))?.choices[0]?.finish_reason).toBe(reason)
  })
})

it('blocks of unknown kinds and unsigned reasoning are not to be sent back', () => {
  const content = [
    { reasoningContent: { reasoningText: { text: '[REDACTED].' } } },
    { toolUse: { toolUseId: 's', name: 'nova_grounding', input: {}, type: 'server_tool_use' } },
    { unheardOf: {} },
    { citationsContent: { content: [{ text: 'ci' }, { text: 'ted' }], citations: [] } },
  ]
  expect(completion(response(content))?.choices[0]?.message).toEqual({
    role: 'assistant',
    content: 'cited',
    refusal: null,
    reasoning_content: '[REDACTED].',
  })
})

it.each([
  ['nothing', null],
  ['no message', { output: {} }],
])('%s is not translated', (_, whole) => {
  expect(toChatCompletion(REQUESTED, whole)).toBeUndefined()
})

it.each([
  ['an image', response([{ image: { format: 'png', source: { bytes: 'AA==' } } }]), 'unsupported_operation'],
  ['a tool call without an id', response([{ toolUse: { name: 'f', input: {} } }], 'tool_use'), null],
  ['a malformed tool call', response([{ text: 'a' }], 'malformed_tool_use'), 'malformed_tool_use'],
  ['a malformed response', response([], 'malformed_model_output'), 'malformed_model_output'],
])('%s becomes a failure with a reason', (_, whole, code) => {
  expect(toChatCompletion(REQUESTED, whole)).toEqual({ failure: { message: expect.stringMatching(/./), code } })
})

function completion(whole: object) {
  const translated = toChatCompletion(REQUESTED, whole)
  if (translated !== undefined && 'failure' in translated) throw new Error(translated.failure.message)
  return translated
}

it('never throws, whatever the response', () => {
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
    fc.array(block).map((blocks) => response(blocks)),
  )
  fc.assert(fc.property(content, (whole) => void toChatCompletion(REQUESTED, whole)))
})
