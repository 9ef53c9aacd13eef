import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CHAT_STREAM_USAGE, chatStream, type StreamShape } from '../../test/fixtures/openai/chat-stream.ts'
import { cut, pass } from '../../test/fixtures/wire/pieces.ts'
import type { ResponseReader } from '../provider-adapter.ts'
import { inspectOpenAiRequest } from './inspection.ts'
import { openAiOperation } from './operations.ts'
import { openAiResponseReader } from './response-reader.ts'

const COMPLETION_TEXTS = ['naïve', ' 🙂']

describe('a plain response', () => {
  it.each([
    ['chat-completion.json', '/chat/completions', 24, 31, 16, 12],
    ['response.json', '/responses', 81, 420, 64, 384],
    ['embeddings.json', '/embeddings', 8, 0, 0, 0],
  ] as const)(
    'of %s has its usage read',
    (file, path, inputTokens, outputTokens, cachedInputTokens, reasoningTokens) => {
      const reader = readerFor(path, {})
      const body = fixture(file)
      expect(pass(reader, [body])).toEqual(body)
      expect(reader.usage).toEqual({ inputTokens, outputTokens, cachedInputTokens, reasoningTokens })
    },
  )

  it('has its usage found after megabytes, of which only the end is kept', () => {
    const reader = readerFor('/embeddings', {})
    const body = Buffer.concat([
      Buffer.from(`{"x":"${'9'.repeat(3_000_000)}",`),
      fixture('embeddings.json').subarray(1),
    ])
    expect(pass(reader, cut(body, [65_536])).equals(body)).toBe(true)
    expect(reader.usage?.inputTokens).toBe(8)
  })

  it.each([
    '',
    '{',
    'null',
    '"usage"',
    '{"usage":null}',
    '{"usage":{"prompt_tokens":-1}}',
    '{"usage":{"prompt_tokens":"8"}}',
    '{"usage":{"type":"duration","seconds":3}}',
    '{"usage":{',
    '{"usage":{]}}',
    '{"a":{"usage":{"prompt_tokens":1}}}',
  ])('of %j has unknown usage', (text) => {
    const reader = readerFor('/chat/completions', {})
    expect(pass(reader, [Buffer.from(text)]).toString()).toBe(text)
    expect(reader.usage).toBeUndefined()
  })
})

describe('a stream whose caller requested usage', () => {
  it('passes unchanged, piece by piece, and has its usage read', () => {
    const reader = readerFor('/chat/completions', { stream: true, stream_options: { include_usage: true } })
    for (const piece of cut(Buffer.from(chatStream({ usage: true })), [7, 100])) expect(reader.push(piece)).toBe(piece)
    expect(reader.end()).toHaveLength(0)
    expect(reader.usage).toEqual(CHAT_STREAM_USAGE)
  })
})

describe('a stream for which the gateway requested the usage', () => {
  const shapes = fc.record({
    lineEnd: fc.constantFrom('\n' as const, '\r\n' as const),
    obfuscation: fc.boolean(),
    noise: fc.boolean(),
    done: fc.boolean(),
  })

  it('is as if it had not been requested, byte for byte, however it is cut', () => {
    fc.assert(
      fc.property(shapes, fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), (shape, sizes) => {
        const reader = readerFor('/chat/completions', { stream: true })
        const passed = pass(reader, cut(streamBytes(true, shape), sizes))
        expect(passed.toString()).toBe(chatStream({ ...shape, usage: false }))
        expect(reader.usage).toEqual(CHAT_STREAM_USAGE)
      }),
      { numRuns: 1_000 },
    )
  })

  it('passes each event on as soon as it is complete', () => {
    const reader = readerFor('/chat/completions', { stream: true })
    const [first = '', second = ''] = chatStream({ usage: true }).split('\n\n')
    expect(reader.push(Buffer.from(`${first}\n\n${second}`)).toString()).toBe(
      `${first.replace(',"usage":null', '')}\n\n`,
    )
  })

  it('gives what it had of an event when it is broken off', () => {
    const reader = readerFor('/chat/completions', { stream: true })
    const cutOff = 'data: {"choices":[{"delta":{"content":"Hel'
    expect(reader.push(Buffer.from(cutOff))).toHaveLength(0)
    expect(reader.end().toString()).toBe(cutOff)
    expect(reader.usage).toBeUndefined()
  })

  it('keeps usage that comes together with a choice, and other spellings of JSON', () => {
    const reader = readerFor('/chat/completions', { stream: true })
    const events = [
      'data: {"usage": null, "choices": [{"delta": {}}]}',
      'data: {"choices": [{"delta": {}}] , "usage" : null }',
      'data: {"choices":[{"delta":{"usage":null}}],"x":[]}',
      'data: {"choices":[{"delta":{}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}',
      'data: {"choices": [ ],"usage":{"prompt_tokens":3,"completion_tokens":4}}',
      'data: not json "usage":null',
      'data: {"choices":[]}',
    ]
    expect(
      pass(reader, [Buffer.from(`${events.join('\n\n')}\n\n`)])
        .toString()
        .split('\n\n'),
    ).toEqual([
      'data: {"choices": [{"delta": {}}]}',
      'data: {"choices": [{"delta": {}}]  }',
      events[2],
      events[3],
      events[5],
      events[6],
      '',
    ])
    expect(reader.usage).toMatchObject({ inputTokens: 3, outputTokens: 4 })
  })
})

describe('a stream that reports its usage by itself', () => {
  const completion = `${COMPLETION_TEXTS.map((text) => `data: {"choices":[{"text":"${text}"}],"usage":null}\n\n`).join('')}data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\ndata: [DONE]\n\n`
  const requested = { stream: true, stream_options: { include_usage: true } }

  it.each([
    ['chat', '/chat/completions', requested, Buffer.from(chatStream({ usage: true })), CHAT_STREAM_USAGE, 4],
    ['completion', '/completions', requested, Buffer.from(completion), usage(3, 2), 2],
    ['response', '/responses', { stream: true }, fixture('responses-stream.txt'), usage(37, 11), 2],
  ] as const)('passes unchanged, however it is cut: a %s', (_, path, body, bytes, reported, tokensSeen) => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), (sizes) => {
        const reader = readerFor(path, body)
        expect(pass(reader, cut(bytes, sizes)).equals(bytes)).toBe(true)
        expect(reader.usage).toMatchObject(reported)
        expect(reader.outputTokensSeen).toBe(tokensSeen)
        expect(reader.errorStatus).toBeUndefined()
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('an error in a stream', () => {
  it.each([
    ['/chat/completions', '{"error":{"message":"It broke.","type":"server_error","param":null,"code":null}}', 500],
    ['/chat/completions', '{"error":{"message":"Slow down.","type":"tokens","code":"rate_limit_exceeded"}}', 429],
    ['/chat/completions', '{"error":{"message":"No.","type":"invalid_request_error"}}', 400],
    ['/responses', '{"type":"error","code":"rate_limit_exceeded","message":"Slow down.","param":null}', 429],
    ['/responses', '{"type":"response.failed","response":{"error":{"code":"server_error"},"usage":null}}', 500],
    ['/responses', '{"type":"response.completed","response":{"error":null,"usage":null}}', undefined],
    ['/chat/completions', '{"error":', undefined],
    ['/chat/completions', '{"error":"text"}', 500],
  ])('at %s: %s fails as with its status', (path, data, status) => {
    const reader = readerFor(path, { stream: true })
    const text = `data: ${data}\n\n`
    expect(pass(reader, [Buffer.from(text)]).toString()).toBe(text)
    expect(reader.errorStatus).toBe(status)
  })
})

it('counts the tokens of a stream that is broken off', () => {
  const reader = readerFor('/chat/completions', { stream: true })
  const events = chatStream({ usage: true }).split('\n\n').slice(0, 3)
  pass(reader, [Buffer.from(`${events.join('\n\n')}\n\ndata: {"cho`)])
  expect(reader.outputTokensSeen).toBe(3)
  expect(reader.usage).toBeUndefined()
})

function readerFor(path: string, body: object): ResponseReader {
  const operation = openAiOperation('POST', path)
  return openAiResponseReader(operation, inspectOpenAiRequest(operation, body, 100))
}

function usage(inputTokens: number, outputTokens: number) {
  return { inputTokens, outputTokens }
}

function streamBytes(usage: boolean, shape: Omit<StreamShape, 'usage'>): Buffer {
  return Buffer.from(chatStream({ ...shape, usage }))
}

function fixture(file: string): Buffer {
  return readFileSync(join(import.meta.dirname, '../../test/fixtures/openai', file))
}

describe('the report of a response that was made in the background', () => {
  const FAILED = { code: 'rate_limit_exceeded', message: 'Rate limit reached.' }
  it.each([
    [
      'a response that failed is no failure of the call',
      { id: 'resp_1', object: 'response', status: 'failed', error: FAILED },
      undefined,
    ],
    ['an error in place of the response is', { error: FAILED }, 429],
  ])('%s', (_, body, status) => {
    const inspection = { model: '', streamed: false, promptBytes: 0, mediaParts: 0, outputs: 1, addsUsage: false }
    const reader = openAiResponseReader(openAiOperation('GET', '/responses/resp_1'), inspection)
    pass(reader, [Buffer.from(JSON.stringify(body))])
    expect(reader.errorStatus).toBe(status)
  })
})
