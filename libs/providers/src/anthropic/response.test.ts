import { describe, expect, it } from 'vitest'
import { messageOf } from '../../test/fixtures/anthropic/translated.ts'
import { unifiedRequest } from '../../test/fixtures/anthropic/unified-request.ts'
import { requestedChat } from '../unified/native-call.ts'
import { toChatCompletion } from './response.ts'

const USAGE = {
  input_tokens: 12,
  cache_creation_input_tokens: 30,
  cache_read_input_tokens: 2_000,
  output_tokens: 29,
  output_tokens_details: { thinking_tokens: 20 },
}

it('is a chat completion under the name that the model was called by', () => {
  expect(completion({ content: [text('Hel'), text('lo')], stop_reason: 'end_turn', usage: USAGE })).toEqual({
    id: 'chatcmpl-answer-1',
    object: 'chat.completion',
    created: 1_760_000_000,
    model: 'claude-opus-4-7',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'Hello', refusal: null },
        finish_reason: 'stop',
        logprobs: null,
      },
    ],
    usage: {
      prompt_tokens: 2_042,
      completion_tokens: 29,
      total_tokens: 2_071,
      prompt_tokens_details: { cached_tokens: 2_000 },
      completion_tokens_details: { reasoning_tokens: 20 },
    },
  })
})

it('has tool calls, and the thinking to read and to send back', () => {
  const content = [
    { type: 'thinking', thinking: 'Hm.', signature: 'EqsF' },
    text('Let me look.'),
    { type: 'redacted_thinking', data: 'xyz' },
    { type: 'tool_use', id: 't1', name: 'weather', input: { city: 'Oslo' } },
    { type: 'thinking', thinking: ' Then.', signature: 'EqsG' },
    { type: 'tool_use', id: 't2', name: 'now', input: {} },
  ]
  const [choice] = completion({ content, stop_reason: 'tool_use' })?.choices ?? []
  expect(choice).toEqual({
    index: 0,
    finish_reason: 'tool_calls',
    logprobs: null,
    message: {
      role: 'assistant',
      content: 'Let me look.',
      refusal: null,
      reasoning_content: 'Hm. Then.',
      tool_calls: [
        { id: 't1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
        { id: 't2', type: 'function', function: { name: 'now', arguments: '{}' } },
      ],
      extra_content: {
        anthropic: {
          thinking: [
            { type: 'thinking', thinking: 'Hm.', signature: 'EqsF', at: { content: 0, tool_calls: 0 } },
            { type: 'redacted_thinking', data: 'xyz', at: { content: 12, tool_calls: 0 } },
            { type: 'thinking', thinking: ' Then.', signature: 'EqsG', at: { content: 12, tool_calls: 1 } },
          ],
        },
      },
    },
  })
})

it('goes back to Anthropic as it came from there', () => {
  const content = [
    { type: 'thinking', thinking: 'Hm.', signature: 'EqsF' },
    text('Let me 🙂'),
    { type: 'redacted_thinking', data: 'xyz' },
    text(' look.'),
    { type: 'thinking', thinking: '', signature: 'EqsG' },
    { type: 'tool_use', id: 't1', name: 'weather', input: { city: 'Oslo' } },
    { type: 'thinking', thinking: ' Then.', signature: 'EqsH' },
    { type: 'tool_use', id: 't2', name: 'now', input: {} },
  ]
  const answer = completion({ content, stop_reason: 'tool_use' })?.choices[0]?.message
  const results = ['t1', 't2'].map((id) => ({ role: 'tool', tool_call_id: id, content: 'a' }))
  const { messages } = messageOf(unifiedRequest({ messages: [answer, ...results] }))
  expect(messages).toMatchObject([{ role: 'assistant', content }, { role: 'user' }])
})

it('says why Anthropic refused', () => {
  const details = { type: 'refusal', category: 'cyber', explanation: 'Not this.' }
  expect(completion({ content: [], stop_reason: 'refusal', stop_details: details })?.choices[0]).toMatchObject({
    finish_reason: 'content_filter',
    message: { content: null, refusal: 'Not this.' },
  })
  expect(completion({ content: [], stop_reason: 'refusal', stop_details: null })?.choices[0]).toMatchObject({
    finish_reason: 'content_filter',
    message: { content: '', refusal: null },
  })
})

describe('the reason of the end', () => {
  const use = { type: 'tool_use', id: 't', name: 'f', input: {} }
  it.each([
    ['end_turn', [text('a')], 'stop'],
    ['stop_sequence', [text('a')], 'stop'],
    ['max_tokens', [text('a')], 'length'],
    ['max_tokens', [use], 'length'],
    ['model_context_window_exceeded', [text('a')], 'length'],
    ['pause_turn', [text('a')], 'length'],
    ['tool_use', [use], 'tool_calls'],
    ['refusal', [text('a')], 'content_filter'],
    ['Of_Tomorrow', [text('a')], 'of_tomorrow'],
    ['of_tomorrow', [use], 'of_tomorrow'],
    [null, [use], 'tool_calls'],
    [null, [text('a')], 'stop'],
  ])('%s of %j', (reason, content, expected) => {
    expect(completion({ content, stop_reason: reason })?.choices[0]?.finish_reason).toBe(expected)
  })
})

it('leaves out what is not known, and unknown usage', () => {
  const content = [null, 'a', { type: 'server_tool_use', id: 's' }, { type: 'text', text: 7 }, text('b')]
  const whole = completion({ content, stop_reason: 'end_turn', usage: { output_tokens: 7 } })
  expect(whole?.choices[0]?.message).toEqual({ role: 'assistant', content: 'b', refusal: null })
  expect(whole).not.toHaveProperty('usage')
})

it.each([null, 'a', [], {}, { content: 'a' }])('is none of %j', (answer) => {
  expect(toChatCompletion(requestedChat(unifiedRequest(), {}), answer)).toBeUndefined()
})

it.each([
  [
    { type: 'error', error: { type: 'api_error', message: 'a' } },
    { message: 'a', code: 'api_error' },
  ],
  [{ content: [{ type: 'tool_use', name: 'f', input: {} }] }, { message: /tool call without id or name/ }],
  [{ content: [{ type: 'tool_use', id: 't', input: {} }] }, { message: /tool call without id or name/ }],
])('says why %j is none', (answer, { message, ...code }) => {
  expect(toChatCompletion(requestedChat(unifiedRequest(), {}), answer)).toEqual({
    failure: { code: null, ...code, message: expect.stringMatching(message) },
  })
})

function completion(message: object) {
  const whole = toChatCompletion(requestedChat(unifiedRequest(), {}), {
    type: 'message',
    role: 'assistant',
    ...message,
  })
  if (whole !== undefined && 'failure' in whole) throw new Error(whole.failure.message)
  return whole
}

function text(value: string) {
  return { type: 'text', text: value }
}
