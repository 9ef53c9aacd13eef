import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CLAUDE,
  converseBody,
  NOVA,
  nativeCall,
  refusal,
  unifiedRequest,
} from '../../test/fixtures/aws-bedrock/unified-request.ts'
import { awsBedrockUnified } from './adapter.ts'
import { bedrockOperation } from './operations.ts'
import { toConverseCall } from './request.ts'

it.each([
  [false, 'converse'],
  [true, 'converse-stream'],
])('with streamed %s calls %s', (stream, action) => {
  const { path, query, headers } = nativeCall(toConverseCall(unifiedRequest({ stream }, { model: CLAUDE })))
  expect(path).toBe(`/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/${action}`)
  expect({ query, headers }).toEqual({ query: '', headers: { 'content-type': 'application/json' } })
  expect(bedrockOperation('POST', path)).toMatchObject({ kind: action, model: CLAUDE })
})

describe('parameters', () => {
  it('that are absent or have no effect are not sent', () => {
    const neutral = { n: 1, logprobs: false, metadata: {}, response_format: { type: 'text' }, tools: null, user: null }
    expect(converseBody(neutral)).toEqual({ messages: [{ role: 'user', content: [{ text: 'Hi' }] }] })
  })

  it('of inference become `inferenceConfig`', () => {
    const requested = { max_tokens: 7, max_completion_tokens: 9, temperature: 1, top_p: 0.5, stop: ['a', '\n'] }
    const inferenceConfig = { maxTokens: 9, temperature: 1, topP: 0.5, stopSequences: ['a', '\n'] }
    expect(converseBody(requested)).toMatchObject({ inferenceConfig })
    expect(converseBody({ max_tokens: 7, stop: 'a' }).inferenceConfig).toEqual({ maxTokens: 7, stopSequences: ['a'] })
  })

  it('of sampling with default values are not sent to Claude', () => {
    expect(converseBody({ temperature: 1, top_p: 1, stop: 'a' }, CLAUDE).inferenceConfig).toEqual({
      stopSequences: ['a'],
    })
    expect(converseBody({ temperature: 0 }, CLAUDE).inferenceConfig).toEqual({ temperature: 0 })
  })

  it('of JSON output contain the schema as text', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' } } }
    const format = { type: 'json_schema', json_schema: { name: 'x', description: 'y', schema, strict: true } }
    expect(converseBody({ response_format: format }, CLAUDE).outputConfig).toEqual({
      textFormat: {
        type: 'json_schema',
        structure: { jsonSchema: { name: 'x', description: 'y', schema: JSON.stringify(schema) } },
      },
    })
  })

  it('about the user become request metadata', () => {
    expect(converseBody({ user: 'u-1', metadata: { team: 'a b' } }).requestMetadata).toEqual({
      team: 'a b',
      user: 'u-1',
    })
  })

  it.each([
    ['temperature', { temperature: 1.1 }],
    ['temperature', { temperature: 1.1 }, CLAUDE],
    ['seed', { seed: 1 }],
    ['n', { n: 2 }],
    ['logprobs', { logprobs: true }],
    ['frequency_penalty', { frequency_penalty: 1 }],
    ['logit_bias', { logit_bias: { 1: 1 } }],
    ['response_format.type', { response_format: { type: 'json_object' } }],
    ['user', { user: 'naïve' }],
    ['metadata.a', { metadata: { a: '(b)' } }],
    ['metadata', { metadata: { '(a)': 'b' } }],
    ['metadata.user', { user: 'a', metadata: { user: 'b' } }],
    ['metadata', { user: 'u', metadata: Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`k${i}`, 'v'])) }],
    ['model', {}, '..'],
  ])('%s is refused in %j', (param, body, model = NOVA) => {
    expect(refusal(toConverseCall(unifiedRequest(body, { model })))).toMatchObject({ code: 'invalid_request', param })
  })
})

it('never throws, whatever the body', () => {
  const roles = fc.constantFrom('system', 'user', 'assistant', 'tool')
  const message = fc.record({ role: roles, content: fc.jsonValue(), tool_calls: fc.jsonValue() }, { requiredKeys: [] })
  const body = fc.oneof(
    fc.dictionary(fc.string(), fc.jsonValue()),
    fc.record({ messages: fc.array(message), tools: fc.jsonValue(), input: fc.jsonValue(), metadata: fc.jsonValue() }),
  )
  fc.assert(
    fc.property(body, fc.constantFrom(CLAUDE, NOVA, 'cohere.embed-v4:0', '%'), (json, model) => {
      const request = { ...unifiedRequest({}, { model }), body: json }
      expect(awsBedrockUnified.chat.request(request)).toHaveProperty('status')
      expect(awsBedrockUnified.embeddings.request(request)).toHaveProperty('status')
    }),
  )
})
