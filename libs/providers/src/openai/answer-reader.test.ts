import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AnswerReader } from '../provider-adapter.ts'
import { CHAT_STREAM_USAGE, chatStream, type StreamShape } from './__fixtures__/chat-stream.ts'
import { openAiAnswerReader } from './answer-reader.ts'
import { inspectOpenAiRequest } from './inspect.ts'
import { openAiOperation } from './operations.ts'

const SSE = 'text/event-stream; charset=utf-8'
const JSON_TYPE = 'application/json'

describe('a plain answer', () => {
  it.each([
    ['chat-completion.json', '/chat/completions', 24, 31, 16, 12],
    ['response.json', '/responses', 81, 420, 64, 384],
    ['embeddings.json', '/embeddings', 8, 0, 0, 0],
  ] as const)('of %s tells its usage', (file, path, inputTokens, outputTokens, cachedInputTokens, reasoningTokens) => {
    const reader = readerFor(path, {}, JSON_TYPE)
    const body = fixture(file)
    expect(pass(reader, [body])).toEqual(body)
    expect(reader.usage).toEqual({ inputTokens, outputTokens, cachedInputTokens, reasoningTokens })
  })

  it('has its usage found after megabytes, of which only the end is kept', () => {
    const reader = readerFor('/embeddings', {}, JSON_TYPE)
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
    const reader = readerFor('/chat/completions', {}, JSON_TYPE)
    expect(pass(reader, [Buffer.from(text)]).toString()).toBe(text)
    expect(reader.usage).toBeUndefined()
  })
})

describe('a stream whose caller asked for usage', () => {
  it('passes as it is, piece by piece, and tells its usage', () => {
    const reader = readerFor('/chat/completions', { stream: true, stream_options: { include_usage: true } }, SSE)
    for (const piece of cut(Buffer.from(chatStream({ usage: true })), [7, 100])) expect(reader.push(piece)).toBe(piece)
    expect(reader.end()).toHaveLength(0)
    expect(reader.usage).toEqual(CHAT_STREAM_USAGE)
  })
})

describe('a stream that was made to tell its usage', () => {
  const shapes = fc.record({
    lineEnd: fc.constantFrom('\n' as const, '\r\n' as const),
    obfuscation: fc.boolean(),
    noise: fc.boolean(),
    done: fc.boolean(),
  })

  it('is as if it had not been asked, byte for byte, however it is cut', () => {
    fc.assert(
      fc.property(shapes, fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), (shape, sizes) => {
        const reader = readerFor('/chat/completions', { stream: true }, SSE)
        const passed = pass(reader, cut(streamBytes(true, shape), sizes))
        expect(passed.toString()).toBe(chatStream({ ...shape, usage: false }))
        expect(reader.usage).toEqual(CHAT_STREAM_USAGE)
      }),
      { numRuns: 1_000 },
    )
  })

  it('lets each event go as soon as it is complete', () => {
    const reader = readerFor('/chat/completions', { stream: true }, SSE)
    const [first = '', second = ''] = chatStream({ usage: true }).split('\n\n')
    expect(reader.push(Buffer.from(`${first}\n\n${second}`)).toString()).toBe(
      `${first.replace(',"usage":null', '')}\n\n`,
    )
  })

  it('gives what it had of an event when it is broken off', () => {
    const reader = readerFor('/chat/completions', { stream: true }, SSE)
    const cutOff = 'data: {"choices":[{"delta":{"content":"Hel'
    expect(reader.push(Buffer.from(cutOff))).toHaveLength(0)
    expect(reader.end().toString()).toBe(cutOff)
    expect(reader.usage).toBeUndefined()
  })

  it('keeps usage that comes together with a choice, and other spellings of JSON', () => {
    const reader = readerFor('/chat/completions', { stream: true }, SSE)
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

it('reads the usage of a streamed response from its last event, and counts its deltas', () => {
  const reader = readerFor('/responses', { stream: true }, SSE)
  const bytes = fixture('responses-stream.txt')
  expect(pass(reader, cut(bytes, [11]))).toEqual(bytes)
  expect(reader.usage).toMatchObject({ inputTokens: 37, outputTokens: 11 })
  expect(reader.outputTokensSeen).toBe(2)
})

it('counts the tokens of a stream that is broken off', () => {
  const reader = readerFor('/chat/completions', { stream: true }, SSE)
  const events = chatStream({ usage: true }).split('\n\n').slice(0, 3)
  pass(reader, [Buffer.from(`${events.join('\n\n')}\n\ndata: {"cho`)])
  expect(reader.outputTokensSeen).toBe(3)
  expect(reader.usage).toBeUndefined()
})

function readerFor(path: string, body: object, contentType: string): AnswerReader {
  const operation = openAiOperation('POST', path)
  return openAiAnswerReader(operation, inspectOpenAiRequest(operation, body, 100), contentType)
}

function pass(reader: AnswerReader, pieces: Buffer[]): Buffer {
  return Buffer.concat([...pieces.map((piece) => reader.push(piece)), reader.end()])
}

function streamBytes(usage: boolean, shape: Omit<StreamShape, 'usage'>): Buffer {
  return Buffer.from(chatStream({ ...shape, usage }))
}

/** Pieces of these sizes in turn, wherever they cut. */
function cut(bytes: Buffer, sizes: number[]): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? bytes.length
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return pieces
}

function fixture(file: string): Buffer {
  return readFileSync(join(import.meta.dirname, '__fixtures__', file))
}
