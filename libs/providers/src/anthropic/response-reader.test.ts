import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cut, pass } from '../../test/fixtures/wire/pieces.ts'
import { anthropicOperation } from './operations.ts'
import { anthropicResponseReader } from './response-reader.ts'

const STREAM = readFileSync(join(import.meta.dirname, '../../test/fixtures/anthropic', 'message-stream.txt'))
const STREAM_USAGE = {
  inputTokens: 61 + 7 + 100,
  outputTokens: 57,
  cachedInputTokens: 100,
  cacheWriteInputTokens: 7,
  reasoningTokens: 40,
}

describe('a plain message', () => {
  it('reports its usage, including cached input', () => {
    const body = readFileSync(join(import.meta.dirname, '../../test/fixtures/anthropic', 'message.json'))
    const reader = readerFor()
    expect(pass(reader, cut(body, [13]))).toEqual(body)
    expect(reader.usage).toEqual({
      inputTokens: 2_090,
      outputTokens: 29,
      cachedInputTokens: 2_048,
      cacheWriteInputTokens: 30,
      reasoningTokens: 0,
    })
  })

  it.each([
    '',
    '{',
    'null',
    '{"usage":null}',
    '{"usage":{"input_tokens":-1}}',
    '{"usage":{"output_tokens":7}}',
    '{"message":{"usage":{"input_tokens":1,"output_tokens":1}}}',
  ])('of %j has unknown usage', (text) => {
    const reader = readerFor()
    expect(pass(reader, [Buffer.from(text)]).toString()).toBe(text)
    expect(reader.usage).toBeUndefined()
  })
})

it.each(['/v1/messages/count_tokens', '/v1/files'])('reads no usage from the response of %s', (path) => {
  const reader = readerFor(path)
  pass(reader, [Buffer.from('{"input_tokens":14,"usage":{"input_tokens":1,"output_tokens":1}}')])
  expect(reader.usage).toBeUndefined()
})

describe('a streamed message', () => {
  const shapes = fc.record({
    lineEnd: fc.constantFrom('\n', '\r\n'),
    noise: fc.constantFrom('', ': comment\n\n', 'event: empty\n\n', '\n\n', 'data: no json\n\n'),
  })

  it('is passed on unchanged and reports its usage, however it is split', () => {
    fc.assert(
      fc.property(shapes, fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), ({ lineEnd, noise }, sizes) => {
        const bytes = Buffer.from(`${noise}${STREAM}${noise}`.replaceAll('\n', lineEnd))
        const reader = readerFor()
        expect(pass(reader, cut(bytes, sizes)).equals(bytes)).toBe(true)
        expect(reader.usage).toEqual(STREAM_USAGE)
        expect(reader.errorStatus).toBeUndefined()
      }),
      { numRuns: 1_000 },
    )
  })

  it('is passed on at once, as the same buffers', () => {
    const reader = readerFor()
    for (const piece of cut(STREAM, [7, 100])) expect(reader.push(piece)).toBe(piece)
  })

  it('that is cut off before it reports output has its output counted', () => {
    const reader = readerFor()
    pass(reader, [STREAM.subarray(0, STREAM.indexOf('event: message_delta'))])
    const outputTokens = Math.ceil(('Twelve byte.'.length + Buffer.byteLength('naïve 🙂 "usage":{') + 7) / 4)
    expect(reader.outputTokensSeen).toBe(outputTokens)
    expect(reader.usage).toBeUndefined()
    expect(reader.partialUsage).toMatchObject({ inputTokens: 150 })
    expect(reader.partialUsage?.outputTokens).toBeUndefined()
  })

  it('that reports its output several times uses the last report', () => {
    const reader = readerFor()
    pass(reader, [STREAM.subarray(0, STREAM.lastIndexOf('event: message_delta'))])
    expect(reader.usage).toMatchObject({ inputTokens: 150, outputTokens: 20 })
  })

  it('that reports its output uses the report, however much output was seen', () => {
    const reader = readerFor()
    const events = [
      { type: 'message_start', message: { usage: { input_tokens: 3, output_tokens: 1 } } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'x'.repeat(400) } },
      { type: 'message_delta', usage: { output_tokens: 5 } },
    ]
    pass(reader, [Buffer.from(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''))])
    expect(reader.usage).toMatchObject({ inputTokens: 3, outputTokens: 5 })
  })

  it('without usage reports none', () => {
    const reader = readerFor()
    pass(reader, [Buffer.from('data: {"type":"message_start","message":{}}\n\ndata: {"type":"message_delta"}\n\n')])
    expect(reader.usage).toBeUndefined()
  })

  it.each([
    ['overloaded_error', 529],
    ['rate_limit_error', 429],
    ['new_error', 500],
  ])('with an error event of type %s counts as failed with status %d', (type, status) => {
    const reader = readerFor()
    pass(reader, [Buffer.from(`event: error\ndata: {"type":"error","error":{"type":"${type}","message":"x"}}\n\n`)])
    expect(reader.errorStatus).toBe(status)
  })

  it('never throws, whatever its events contain', () => {
    const types = fc.constantFrom('message_start', 'content_block_delta', 'message_delta', 'error')
    fc.assert(
      fc.property(types, fc.json(), (type, json) => {
        const event = { type, message: JSON.parse(json), delta: JSON.parse(json), usage: JSON.parse(json), error: null }
        const reader = readerFor()
        pass(reader, [Buffer.from(`data: ${json}\n\ndata: ${JSON.stringify(event)}\n\n`)])
        expect(reader.outputTokensSeen).toBeGreaterThanOrEqual(0)
      }),
    )
  })
})

function readerFor(path = '/v1/messages') {
  const operation = anthropicOperation('POST', path)
  if (operation === undefined) throw new Error(`no operation at ${path}`)
  return anthropicResponseReader(operation)
}
