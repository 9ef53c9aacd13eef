import { describe, expect, it } from 'vitest'
import { messageOf, translated } from '../../test/fixtures/anthropic/translated.ts'
import { unifiedRequest } from '../../test/fixtures/anthropic/unified-request.ts'
import { toMessageCall } from './request.ts'

const HI = [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }]
const SCHEMA = { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false, required: ['a'] }

it('uses the API version that accepts sampling parameters', () => {
  const call = translated(unifiedRequest())
  expect(call).toMatchObject({ path: '/v1/messages', query: '' })
  expect(call.headers).toEqual({ 'anthropic-version': '2023-06-01', 'content-type': 'application/json' })
  expect(messageOf(unifiedRequest())).toEqual({ model: 'claude-opus-4-7', max_tokens: 4_096, messages: HI })
})

describe('a parameter', () => {
  it.each([
    [{ max_tokens: 7 }, { max_tokens: 7 }],
    [{ max_tokens: 7, max_completion_tokens: 9 }, { max_tokens: 9 }],
    [
      { temperature: 0.3, top_p: 0.5 },
      { temperature: 0.3, top_p: 0.5 },
    ],
    [{ temperature: 0 }, { temperature: 0 }],
    [{ temperature: 1, top_p: 1 }, {}],
    [{ stop: 'END' }, { stop_sequences: ['END'] }],
    [{ stop: ['a', 'b'] }, { stop_sequences: ['a', 'b'] }],
    [{ stop: [] }, {}],
    [{ user: 'u-1' }, { metadata: { user_id: 'u-1' } }],
    [{ stream: true, stream_options: { include_usage: true } }, { stream: true }],
    [{ stream: false, n: 1, seed: null, presence_penalty: 0, response_format: { type: 'text' } }, {}],
    [
      { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: SCHEMA, strict: true } } },
      { output_config: { format: { type: 'json_schema', schema: SCHEMA } } },
    ],
    [
      { response_format: { type: 'json_schema', json_schema: { name: 'a', description: 'An a.', schema: SCHEMA } } },
      { output_config: { format: { type: 'json_schema', schema: { ...SCHEMA, description: 'An a.' } } } },
    ],
  ])('%j', (parameters, expected) => {
    expect(messageOf(unifiedRequest(parameters))).toEqual({
      model: 'claude-opus-4-7',
      max_tokens: 4_096,
      messages: HI,
      ...expected,
    })
  })

  it.each([
    [{ temperature: 1.1 }, 'temperature'],
    [{ stop: ['END', '\n'] }, 'stop'],
    [{ response_format: { type: 'json_object' } }, 'response_format.type'],
    [{ n: 2 }, 'n'],
    [{ seed: 1 }, 'seed'],
    [{ logprobs: true }, 'logprobs'],
    [{ top_logprobs: 2 }, 'top_logprobs'],
    [{ frequency_penalty: 1 }, 'frequency_penalty'],
    [{ presence_penalty: 1 }, 'presence_penalty'],
    [{ metadata: { a: 'b' } }, 'metadata'],
    [{ logit_bias: { 1: 2 } }, 'logit_bias'],
    [{ prediction: {} }, 'prediction'],
    [{ max_tokens: 0 }, 'max_tokens'],
    [{ messages: [] }, 'messages'],
  ])('%j is refused', (parameters, param) => {
    expect(toMessageCall(unifiedRequest(parameters))).toMatchObject({
      status: 'refused',
      code: 'invalid_request',
      param,
      message: expect.stringMatching(/.\.$/),
    })
  })
})

it('refuses a request that is nested too deeply to serialize', () => {
  const schema: unknown = JSON.parse(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)
  const request = unifiedRequest()
  const format = { type: 'json_schema', json_schema: { name: 'a', schema } }
  const body = { ...request.body, response_format: format }
  expect(toMessageCall({ ...request, body })).toMatchObject({ status: 'refused', code: 'invalid_request' })
})
