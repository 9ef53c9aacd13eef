import { describe, expect, it } from 'vitest'
import type { ResponseTranslator, UnifiedRequest } from '../unified-api.ts'
import { openAiUnified } from './unified.ts'

const UNIFIED = openAiUnified('/v1')

it.each([
  '{"model":"MODEL","messages":[],"seed":12345678901234567890,"metadata":{"10":1.0,"2":1e400}}',
  '{"mod\\u0065l":"MODEL","seed":12345678901234567890}',
  `{"model":"MODEL","seed":-0,"tools":[${'{"model":{"model":1}},'.repeat(20)}1.0]}`,
  '{"\\"model":"prod/x","model": "MODEL" ,"\\"model":1.0}',
  '{"messages":[{"content":"\\"model\\":"}],"model":"MODEL"}',
])('changes nothing but the name of the model: %s', (text) => {
  for (const operation of ['chat', 'embeddings'] as const) {
    const translation = UNIFIED[operation].request(requestOf(text.replace('MODEL', 'prod/m')))
    if (translation.status !== 'translated') throw new Error(translation.status)
    expect(translation.body.toString()).toBe(text.replace('MODEL', 'm'))
  }
})

it.each([
  ['text/html', '<html></html>'],
  ['', ''],
])('ends a response that should be a stream, but is none, with an error: %s', (contentType, body) => {
  const passed = passedOn(translatorOf('{"model":"prod/m","stream":true}', contentType), body)
  expect(passed.startsWith(body)).toBe(true)
  expect(passed).toMatch(/\n\ndata: {"error":{"message":"The provider ended the response early\."[^\n]*\n\n$/)
})

describe('a document in the place of a stream', () => {
  const CALL = '{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\\"n\\":1e400}"}}'
  const USAGE = '{"prompt_tokens":4,"completion_tokens":12345678901234567890}'
  const DOCUMENT = `\r\n{
    "id": "c1", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [
      {"index": 0, "message": {"role": "assistant", "content": "a \\n b"}, "logprobs": 1.0, "finish_reason": "stop"},
      {"index": 1, "message": {"role": "assistant", "tool_calls": [${CALL}]}, "finish_reason": "tool_calls"}
    ],
    "usage": ${USAGE}
  }`
  const COMMON = '"id":"c1","created":1,"model":"m","object":"chat.completion.chunk"'
  const chunk = (members: string) => `data: {${COMMON},${members}}\n\n`
  const EVENTS = [
    chunk(
      '"choices":[{"index":0,"delta":{"role":"assistant","content":"a \\n b"},"logprobs":1.0,"finish_reason":null}]',
    ),
    chunk(
      `"choices":[{"index":1,"delta":{"role":"assistant","tool_calls":[{"index":0,${CALL.slice(1)}]},"finish_reason":null}]`,
    ),
    chunk('"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]'),
    chunk('"choices":[{"index":1,"delta":{},"finish_reason":"tool_calls"}]'),
  ].join('')

  it.each(['application/json', 'text/event-stream'])(
    'becomes one, digit for digit, whatever it calls itself: %s',
    (type) => {
      const translator = translatorOf('{"model":"prod/m","stream":true}', type)
      expect(passedOn(translator, DOCUMENT).trimStart()).toBe(`${EVENTS}data: [DONE]\n\n`)
      expect(translator.failed).toBe(false)
      expect(translator.contentType ?? type).toMatch(/^text\/event-stream/)
    },
  )

  it('reports its usage where that was requested', () => {
    const translator = translatorOf('{"model":"prod/m","stream":true,"stream_options":{"include_usage":true}}', '')
    expect(passedOn(translator, DOCUMENT).trimStart()).toBe(
      `${EVENTS}${chunk(`"choices":[],"usage":${USAGE}`)}data: [DONE]\n\n`,
    )
  })

  it.each([
    ['{"error":{"message":"Slow down.","code":429}}', 'data: {"error":{"message":"Slow down.","code":429}}\n\n'],
    [
      '{"error":"Slow down."}',
      'data: {"error":{"message":"Slow down.","type":"server_error","param":null,"code":null}}\n\n',
    ],
  ])('that is an error keeps its words: %s', (body, expected) => {
    expect(passedOn(translatorOf('{"model":"prod/m","stream":true}', 'application/json'), body)).toBe(expected)
  })

  it.each(['{"choices":[]}', '{"choices":[{', '[]', '{"detail":"x"}'])('that is neither is an error: %s', (body) => {
    const translator = translatorOf('{"model":"prod/m","stream":true}', 'application/json')
    expect(passedOn(translator, body)).toMatch(/^data: {"error":{"message":"The provider responded[^\n]*\n\n$/)
    expect(translator.failed).toBe(true)
  })
})

it.each(['', '\n', '\r\n', '\n\n'])('adds a mark of the end apart from a last event that ends with %j', (rest) => {
  const chunk = '{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}'
  const translator = translatorOf('{"model":"prod/m","stream":true}', 'text/event-stream')
  const passed = passedOn(translator, `data: ${chunk}${rest}`)
  expect(passed.split(/(?:\r?\n){2,}/)).toEqual([`data: ${chunk}`, 'data: [DONE]', ''])
  expect(translator.failed).toBe(false)
})

it('does not take an empty finish reason for the end', () => {
  const chunk = '{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":""}]}'
  const translator = translatorOf('{"model":"prod/m","stream":true}', 'text/event-stream')
  expect(passedOn(translator, `data: ${chunk}\n\n`)).toMatch(/data: {"error":[^\n]*\n\n$/)
  expect(translator.failed).toBe(true)
})

it('passes on unchanged a response that was not requested as a stream', () => {
  expect(passedOn(translatorOf('{"model":"prod/m"}', 'text/html'), '<html></html>')).toBe('<html></html>')
})

it('distinguishes the error from an event that was too long to be held, and broke off', () => {
  const translator = translatorOf('{"model":"prod/m","stream":true}', 'text/event-stream')
  expect(translator.push(Buffer.from(`data: "${'x'.repeat(9 * 1024 * 1024)}`)).length).toBeGreaterThan(0)
  expect(translator.breakOff('No byte for 60 s.').toString()).toMatch(/^\n\ndata: {"error":/)
})

function requestOf(text: string): UnifiedRequest {
  return {
    body: JSON.parse(text),
    bytes: Buffer.from(text),
    model: 'm',
    defaultMaxOutputTokens: 1_024,
    images: new Map(),
    responseId: 'a',
    receivedAtMs: 0,
  }
}

function translatorOf(text: string, contentType: string): ResponseTranslator {
  const translation = UNIFIED.chat.request(requestOf(text))
  if (translation.status !== 'translated') throw new Error(translation.status)
  return UNIFIED.chat.response(translation.requested).translator(contentType)
}

function passedOn(translator: ResponseTranslator, body: string): string {
  return Buffer.concat([translator.push(Buffer.from(body)), translator.end() ?? Buffer.alloc(0)]).toString()
}
