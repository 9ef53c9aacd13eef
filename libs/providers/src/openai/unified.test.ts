import { expect, it } from 'vitest'
import type { AnswerTranslator, UnifiedRequest } from '../unified-api.ts'
import { openAiUnified } from './unified.ts'

const UNIFIED = openAiUnified('/v1')

it('refuses a request that can be neither changed nor written anew', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  expect(chat(`{"mod\\u0065l":"prod/m","messages":[${deep}]}`)).toMatchObject({ status: 'refused' })
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

function chat(text: string) {
  const request: UnifiedRequest = {
    body: JSON.parse(text),
    bytes: Buffer.from(text),
    model: 'm',
    defaultMaxOutputTokens: 1_024,
    images: new Map(),
    answerId: 'a',
    receivedAtMs: 0,
  }
  return UNIFIED.chat.request(request)
}

function translatorOf(text: string, contentType: string): AnswerTranslator {
  const translation = chat(text)
  if (translation.status !== 'translated') throw new Error(translation.status)
  return UNIFIED.chat.answer(translation.answer).translator(contentType)
}

function passedOn(translator: AnswerTranslator, body: string): string {
  return Buffer.concat([translator.push(Buffer.from(body)), translator.end() ?? Buffer.alloc(0)]).toString()
}
