import { expect, it } from 'vitest'
import type { AnswerTranslator, UnifiedRequest } from '../unified-api.ts'
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
  ['application/json', '{"choices":[]}'],
  ['', ''],
])('ends what is no stream, but should be one, with an error: %s', (contentType, body) => {
  const passed = passedOn(translatorOf('{"model":"prod/m","stream":true}', contentType), body)
  expect(passed.startsWith(body)).toBe(true)
  expect(passed).toMatch(/\n\ndata: {"error":{"message":"The provider broke the answer off\."[^\n]*\n\n$/)
})

it('passes on what was not asked for as a stream as it is', () => {
  expect(passedOn(translatorOf('{"model":"prod/m"}', 'text/html'), '<html></html>')).toBe('<html></html>')
})

it('tells the error apart from an event that was too long to be held, and broke off', () => {
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
    answerId: 'a',
    receivedAtMs: 0,
  }
}

function translatorOf(text: string, contentType: string): AnswerTranslator {
  const translation = UNIFIED.chat.request(requestOf(text))
  if (translation.status !== 'translated') throw new Error(translation.status)
  return UNIFIED.chat.answer(translation.answer).translator(contentType)
}

function passedOn(translator: AnswerTranslator, body: string): string {
  return Buffer.concat([translator.push(Buffer.from(body)), translator.end() ?? Buffer.alloc(0)]).toString()
}
