import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ANTHROPIC_FRAMES,
  CONVERSE_FRAMES,
  CONVERSE_USAGE,
  chunkFrame,
  frame,
} from '../../test/fixtures/aws-bedrock/frames.ts'
import { cut, pass } from '../../test/fixtures/wire/pieces.ts'
import type { WireHeaders } from '../wire/headers.ts'
import { inspectBedrockRequest } from './inspection.ts'
import { bedrockOperation } from './operations.ts'
import { bedrockResponseReader } from './response-reader.ts'

const ANTHROPIC_USAGE = {
  inputTokens: 510,
  outputTokens: 14,
  cachedInputTokens: 500,
  cacheWriteInputTokens: 7,
  reasoningTokens: 0,
}

describe('a conversation', () => {
  it('tells its usage, of which the cached input is part', () => {
    const body = readFileSync(join(import.meta.dirname, '../../test/fixtures/aws-bedrock', 'converse.json'))
    const reader = readerFor('converse')
    expect(pass(reader, cut(body, [19]))).toEqual(body)
    expect(reader.usage).toEqual({
      inputTokens: 130,
      outputTokens: 57,
      cachedInputTokens: 100,
      cacheWriteInputTokens: 8,
      reasoningTokens: 0,
    })
  })

  it.each(['', '{', '{"usage":null}', '{"usage":{"inputTokens":"1"}}', '{"output":{"usage":{"inputTokens":1}}}'])(
    'answered by %j has unknown usage',
    (text) => {
      const reader = readerFor('converse')
      expect(pass(reader, [Buffer.from(text)]).toString()).toBe(text)
      expect(reader.usage).toBeUndefined()
    },
  )
})

describe('an invocation', () => {
  it('tells its usage in headers', () => {
    const reader = readerFor('invoke', {
      'x-amzn-bedrock-input-token-count': '12',
      'x-amzn-bedrock-output-token-count': '34',
      'x-amzn-bedrock-cache-read-input-token-count': '500',
    })
    expect(pass(reader, [Buffer.from('{"usage":{"input_tokens":1}}')]).toString()).toBe('{"usage":{"input_tokens":1}}')
    expect(reader.usage).toEqual({ inputTokens: 512, outputTokens: 34, cachedInputTokens: 500, reasoningTokens: 0 })
  })

  it.each([
    [{ input_tokens: 3, output_tokens: 4, cache_read_input_tokens: 2 }, 5],
    [{ inputTokens: 3, outputTokens: 4 }, 3],
    [{ prompt_tokens: 6, completion_tokens: 4 }, 6],
  ])('tells it by the body %j where the headers are absent or illegible', (usage, inputTokens) => {
    for (const headers of [{}, { 'x-amzn-bedrock-input-token-count': 'many' }]) {
      const reader = readerFor('invoke', headers)
      pass(reader, [Buffer.from(JSON.stringify({ usage }))])
      expect(reader.usage).toMatchObject({ inputTokens, outputTokens: 4 })
    }
  })
})

describe.each([
  ['conversation', 'converse-stream', CONVERSE_FRAMES, CONVERSE_USAGE],
  ['invocation', 'invoke-with-response-stream', ANTHROPIC_FRAMES, ANTHROPIC_USAGE],
])('a streamed %s', (_, action, frames, usage) => {
  const bytes = Buffer.concat(frames)

  it('passes as it is and tells its usage, however it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }), (sizes) => {
        const reader = readerFor(action)
        for (const piece of cut(bytes, sizes)) expect(reader.push(piece)).toBe(piece)
        expect(reader.end()).toHaveLength(0)
        expect(reader.usage).toEqual(usage)
        expect(reader.errorStatus).toBeUndefined()
      }),
      { numRuns: 1_000 },
    )
  })

  it.each([
    ['throttlingException', 429],
    ['modelStreamErrorException', 424],
    ['newException', 500],
  ])('with a %s in it failed as with status %d', (type, status) => {
    const reader = readerFor(action)
    const broken = Buffer.concat([...frames.slice(0, 2), frame('exception', type, { message: 'No.' })])
    expect(pass(reader, [broken])).toEqual(broken)
    expect(reader.errorStatus).toBe(status)
  })

  it('passes what is no event stream, and learns nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 })), fc.nat(bytes.length - 1), (pieces, flipped) => {
        const damaged = Buffer.from(bytes)
        damaged[flipped] = (damaged[flipped] ?? 0) ^ 0x55
        const reader = readerFor(action)
        const given = [damaged, ...pieces.map((piece) => Buffer.from(piece))]
        expect(pass(reader, given).equals(Buffer.concat(given))).toBe(true)
      }),
    )
  })

  it('never throws, whatever its messages hold', () => {
    fc.assert(
      fc.property(fc.json(), fc.string(), (json, text) => {
        const value: unknown = JSON.parse(json)
        const events = ['messageStart', 'contentBlockDelta', 'metadata', 'chunk'].map((type) =>
          frame('event', type, { delta: value, usage: value, bytes: value }),
        )
        const chunks = [value, { contentBlockDelta: value, metadata: value, 'amazon-bedrock-invocationMetrics': value }]
        const reader = readerFor(action)
        pass(reader, [...events, ...chunks.map(chunkFrame), frame('event', 'chunk', text)])
        expect(reader.outputTokensSeen).toBeGreaterThanOrEqual(0)
      }),
    )
  })
})

it('counts the output of a conversation that is broken off', () => {
  const reader = readerFor('converse-stream')
  pass(reader, CONVERSE_FRAMES.slice(0, 6))
  expect(reader.usage).toBeUndefined()
  expect(reader.outputTokensSeen).toBe(Math.ceil((12 + Buffer.byteLength('naïve 🙂 "usage":{') + 7) / 4))
})

it('counts the output of an invocation that is broken off', () => {
  const reader = readerFor('invoke-with-response-stream')
  pass(reader, ANTHROPIC_FRAMES.slice(0, 2))
  expect(reader.outputTokensSeen).toBe(3)
  expect(reader.usage).toBeUndefined()
  expect(reader.partialUsage).toMatchObject({ inputTokens: 503 })
})

it.each([
  [
    'Nova',
    [{ contentBlockDelta: { delta: { text: 'word' } } }, { metadata: { usage: { inputTokens: 3, outputTokens: 4 } } }],
  ],
  ['Llama', [{ generation: 'word' }, metrics()]],
  ['Titan', [{ outputText: 'word' }, metrics()]],
])('reads the stream of an invocation of %s', (_, chunks) => {
  const reader = readerFor('invoke-with-response-stream')
  pass(reader, chunks.map(chunkFrame))
  expect(reader.usage).toMatchObject({ inputTokens: 3, outputTokens: 4 })
  expect(reader.outputTokensSeen).toBe(1)
})

function metrics(): object {
  return { 'amazon-bedrock-invocationMetrics': { inputTokenCount: 3, outputTokenCount: 4 } }
}

function readerFor(action: string, headers?: WireHeaders) {
  const operation = bedrockOperation('POST', `/model/m/${action}`)
  if (operation === undefined) throw new Error(`no operation ${action}`)
  return bedrockResponseReader(operation, inspectBedrockRequest(operation, {}), headers)
}
