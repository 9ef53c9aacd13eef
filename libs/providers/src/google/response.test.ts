import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HELLO, nativeCall, unifiedRequest } from '../../test/fixtures/google/unified-request.ts'
import { googleUnified } from './adapter.ts'
import { toGenerateContentCall } from './request.ts'

/** Nested more deeply than JSON.stringify supports. */
const DEEP = '['.repeat(20_000) + ']'.repeat(20_000)

describe('a whole response', () => {
  it('becomes a chat completion', () => {
    const body = readFileSync(join(import.meta.dirname, '../../test/fixtures/google', 'generate-content.json'))
    expect(responseTo(body)).toEqual({
      id: 'chatcmpl-a1',
      object: 'chat.completion',
      created: 1_700_000_000,
      model: 'gemini-2.5-flash',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: '{"usageMetadata": {"promptTokenCount": 999}}', refusal: null },
          finish_reason: 'stop',
          logprobs: null,
        },
      ],
      usage: {
        prompt_tokens: 2_009,
        completion_tokens: 311,
        total_tokens: 2_320,
        prompt_tokens_details: { cached_tokens: 1_920 },
        completion_tokens_details: { reasoning_tokens: 282 },
      },
    })
  })

  it('has thoughts, calls and their signatures separate from the text', () => {
    expect(
      messageOf([
        { text: 'Hm, ', thought: true },
        { text: 'so.', thought: true, thoughtSignature: 'eA==' },
        { text: 'One ' },
        { executableCode: { code: '1' } },
        { text: 'moment.', thoughtSignature: 'dGV4dA==' },
        { functionCall: { name: 'weather', args: { city: 'Oslo' } }, thoughtSignature: 'Y2FsbA==' },
        { functionCall: { name: 'time', id: 'g7' } },
      ]),
    ).toEqual({
      role: 'assistant',
      content: 'One moment.',
      refusal: null,
      reasoning_content: 'Hm, so.',
      extra_content: { google: { thought_signature: 'dGV4dA==' } },
      tool_calls: [
        {
          id: 'call_a1_0',
          type: 'function',
          function: { name: 'weather', arguments: '{"city":"Oslo"}' },
          extra_content: { google: { thought_signature: 'Y2FsbA==' } },
        },
        { id: 'g7', type: 'function', function: { name: 'time', arguments: '{}' } },
      ],
    })
  })

  it('of calls only has no content', () => {
    expect(messageOf([{ functionCall: { name: 'time', args: {} } }])).toMatchObject({ content: null })
  })

  it('is sent back unchanged in the next turn', () => {
    const parts = [
      { text: 'One moment.', thoughtSignature: 'dGV4dA==' },
      { functionCall: { id: 'g7', name: 'weather', args: { city: 'Oslo' } }, thoughtSignature: 'Y2FsbA==' },
    ]
    const messages = [...HELLO, messageOf(parts), { role: 'tool', tool_call_id: 'g7', content: 'rain' }]
    const { contents } = JSON.parse(nativeCall(toGenerateContentCall(unifiedRequest({ messages }))).body.toString())
    expect(contents[1]).toEqual({ role: 'model', parts })
  })

  it('has each candidate as a choice, with unique call ids', () => {
    const call = { content: { parts: [{ functionCall: { name: 'time', args: {} } }] }, finishReason: 'STOP' }
    const response = { candidates: [call, { ...call, index: 1 }] }
    expect(responseTo(response)).toMatchObject({
      choices: [
        { index: 0, finish_reason: 'tool_calls', message: { tool_calls: [{ id: 'call_a1_0' }] } },
        { index: 1, finish_reason: 'tool_calls', message: { tool_calls: [{ id: 'call_a1_1' }] } },
      ],
    })
    expect(responseTo(response)).not.toHaveProperty('usage')
  })

  it.each([
    ['STOP', 'stop'],
    [undefined, 'stop'],
    ['A_NEW_REASON', 'a_new_reason'],
    ['MAX_TOKENS', 'length'],
    ['SAFETY', 'content_filter'],
    ['RECITATION', 'content_filter'],
    ['BLOCKLIST', 'content_filter'],
    ['PROHIBITED_CONTENT', 'content_filter'],
    ['SPII', 'content_filter'],
  ])('that ended with %s has the finish reason %s', (finishReason, reason) => {
    expect(responseTo({ candidates: [{ finishReason }] })).toMatchObject({
      choices: [{ finish_reason: reason, message: { content: '' } }],
    })
  })

  it('to a blocked prompt is a filtered one', () => {
    expect(
      responseTo({
        promptFeedback: { blockReason: 'SAFETY' },
        usageMetadata: { promptTokenCount: 4, totalTokenCount: 4 },
      }),
    ).toMatchObject({
      choices: [{ index: 0, finish_reason: 'content_filter', message: { content: null } }],
      usage: { prompt_tokens: 4, completion_tokens: 0 },
    })
  })

  it('contains the log probabilities of its tokens', () => {
    const token = (text: string, logProbability: number) => ({ token: text, tokenId: 5, logProbability })
    const logprobsResult = {
      topCandidates: [{ candidates: [token('Hi', -0.1), token('Ho', -2)] }],
      chosenCandidates: [token('Hi', -0.1), token('!', -0.2)],
    }
    const translated = (text: string, logprob: number) => ({ token: text, logprob, bytes: null })
    expect(responseTo({ candidates: [{ finishReason: 'STOP', logprobsResult }] })).toMatchObject({
      choices: [
        {
          logprobs: {
            content: [
              { ...translated('Hi', -0.1), top_logprobs: [translated('Hi', -0.1), translated('Ho', -2)] },
              { ...translated('!', -0.2), top_logprobs: [] },
            ],
            refusal: null,
          },
        },
      ],
    })
  })

  it.each(['null', '[]', '{}', '{"candidates":[', '{"candidates":[]}'])('of %s is not translated', (text) => {
    expect(responseTo(Buffer.from(text))).toBeUndefined()
    expect(translatorAfter(Buffer.from(text)).failure).toBeUndefined()
  })

  it.each([
    [
      '{"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL","finishMessage":"The call begins with tides( and does not end"}]}',
      { message: 'The call begins with tides( and does not end', code: 'MALFORMED_FUNCTION_CALL' },
    ],
    [
      '{"candidates":[{"finishReason":"UNEXPECTED_TOOL_CALL"}]}',
      { message: "The model's response ended with UNEXPECTED_TOOL_CALL.", code: 'UNEXPECTED_TOOL_CALL' },
    ],
    ['{"candidates":[{"finishReason":"OTHER"}]}', { message: expect.any(String), code: 'OTHER' }],
    [
      '{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":""}}]},"finishReason":"STOP"}]}',
      { message: expect.stringContaining('image'), code: 'unsupported_operation' },
    ],
    [
      '{"candidates":[{"content":{"parts":[{"functionCall":{"args":{}}}]},"finishReason":"STOP"}]}',
      { message: expect.any(String), code: 'unsupported_operation' },
    ],
    ['{"error":{"code":500,"message":"It broke.","status":"INTERNAL"}}', { message: 'It broke.', code: 'INTERNAL' }],
  ])('of %s becomes a failure', (text, failure) => {
    const translator = translatorAfter(Buffer.from(text))
    expect(translator).toMatchObject({ failed: true, failure })
  })

  it('keeps arguments as written, however deeply nested', () => {
    const text = `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"x","args":{"a":${DEEP}}}}]}}]}`
    expect(responseTo(Buffer.from(text))).toMatchObject({
      choices: [{ message: { tool_calls: [{ function: { arguments: `{"a":${DEEP}}` } }] } }],
    })
  })

  it('never makes it throw, whatever it contains', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (value, other) => {
        responseTo(Buffer.from(JSON.stringify(value)))
        responseTo({ candidates: [{ content: { parts: [value, { functionCall: other }, { text: value }] } }] })
        responseTo({ candidates: [{ logprobsResult: { chosenCandidates: [value], topCandidates: [other] } }] })
        responseTo({ candidates: [value], promptFeedback: other, usageMetadata: value })
      }),
    )
  })
})

describe('an error', () => {
  const response = googleUnified.chat.response(
    nativeCall(toGenerateContentCall(unifiedRequest({ messages: HELLO }))).requested,
  )
  const quota = readFileSync(join(import.meta.dirname, '../../test/fixtures/google', 'quota-error.json'))

  it.each([
    ['alone', quota],
    ['in an array', Buffer.from(`[${quota}]`)],
  ])('%s keeps its message', (_, body) => {
    expect(response.error(429, body, {})).toEqual({
      message: 'You exceeded your current quota.',
      code: 'RESOURCE_EXHAUSTED',
    })
  })

  it('may be plain text', () => {
    expect(response.error(502, Buffer.from('{"error":"x"}'), {})).toEqual({ message: 'x', code: null })
  })

  it.each(['', '<html>', 'null', '[]', '{"error":""}'])('of %j is described by its status', (body) => {
    expect(response.error(502, Buffer.from(body), {})).toEqual({
      message: 'Google returned status 502.',
      code: null,
    })
  })
})

function messageOf(parts: readonly object[]): object {
  const response = responseTo({ candidates: [{ content: { parts, role: 'model' }, finishReason: 'STOP', index: 0 }] })
  return response?.choices[0]?.message ?? {}
}

function translatorAfter(bytes: Buffer) {
  const { requested } = nativeCall(toGenerateContentCall(unifiedRequest({ messages: HELLO })))
  const translator = googleUnified.chat.response(requested).translator('application/json')
  translator.push(bytes)
  expect(translator.end()).toBeUndefined()
  return translator
}

function responseTo(body: object): { choices: { message: object }[] } | undefined {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))
  const translator = googleUnified.chat
    .response(nativeCall(toGenerateContentCall(unifiedRequest({ messages: HELLO }))).requested)
    .translator('application/json')
  expect(translator.push(bytes)).toHaveLength(0)
  const response = translator.end()
  return response && JSON.parse(response.toString())
}
