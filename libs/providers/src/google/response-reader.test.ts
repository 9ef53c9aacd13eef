import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arrayStream, CHUNKS, CHUNKS_USAGE, sseStream } from '../../test/fixtures/google/chunks.ts'
import { cut, pass } from '../../test/fixtures/wire/pieces.ts'
import { googleOperation } from './operations.ts'
import { googleResponseReader } from './response-reader.ts'

describe('a whole response', () => {
  it('reports its usage, including thoughts and cached content', () => {
    const body = readFileSync(join(import.meta.dirname, '../../test/fixtures/google', 'generate-content.json'))
    const reader = readerFor('generateContent')
    expect(pass(reader, cut(body, [17]))).toEqual(body)
    expect(reader.usage).toEqual({
      inputTokens: 2_009,
      outputTokens: 311,
      cachedInputTokens: 1_920,
      reasoningTokens: 282,
    })
  })

  it.each([
    '{"embedding":{"values":[0.1]}}',
    '{"usageMetadata":null}',
    '{"usageMetadata":{"promptTokenCount":"nine"}}',
    '{"usageMetadata":{"candidatesTokenCount":9}}',
    '{"usageMetadata":{',
    '',
  ])('of %j has unknown usage', (text) => {
    const reader = readerFor('embedContent')
    expect(pass(reader, [Buffer.from(text)]).toString()).toBe(text)
    expect(reader.usage).toBeUndefined()
  })

  it('that arrives as events still shows its error', () => {
    const reader = readerFor('generateContent')
    pass(reader, [Buffer.from('data: {"error":{"code":401,"status":"UNAUTHENTICATED"}}\n\n')])
    expect(reader.errorStatus).toBe(401)
  })

  it('to token counting has no usage', () => {
    const reader = readerFor('countTokens')
    pass(reader, [Buffer.from('{"totalTokens":5,"usageMetadata":{"promptTokenCount":5}}')])
    expect(reader.usage).toBeUndefined()
  })
})

describe.each([
  ['server-sent events', sseStream],
  ['a JSON array', arrayStream],
] as const)('a stream as %s', (_, stream) => {
  const lineEnds = fc.constantFrom('\n', '\r\n')

  it('is passed on unchanged and reports its usage, however it is split', () => {
    fc.assert(
      fc.property(lineEnds, fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }), (lineEnd, sizes) => {
        const bytes = stream(lineEnd)
        const reader = readerFor('streamGenerateContent')
        expect(pass(reader, cut(bytes, sizes)).equals(bytes)).toBe(true)
        expect(reader.usage).toEqual(CHUNKS_USAGE)
        expect(reader.outputTokensSeen).toBe(0)
      }),
      { numRuns: 1_000 },
    )
  })

  it('that is cut off has reported its usage so far', () => {
    const bytes = stream('\n')
    const reader = readerFor('streamGenerateContent')
    pass(reader, [bytes.subarray(0, bytes.indexOf('thoughtSignature'))])
    expect(reader.usage).toEqual({ inputTokens: 9, outputTokens: 105, cachedInputTokens: 4, reasoningTokens: 100 })
  })

  it('without usage has its output counted', () => {
    const chunks = CHUNKS.map((chunk) => chunk.replace(/,"usageMetadata":.*$/, '}'))
    const reader = readerFor('streamGenerateContent')
    pass(reader, [stream('\n', chunks)])
    expect(reader.usage).toBeUndefined()
    expect(reader.outputTokensSeen).toBeGreaterThan(10)
  })

  it('with an error counts as failed with its status', () => {
    const reader = readerFor('streamGenerateContent')
    pass(reader, [stream('\n', [CHUNKS[0], '{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}'])])
    expect(reader.errorStatus).toBe(429)
    expect(reader.usage).toMatchObject({ inputTokens: 9 })
  })

  it('never throws, whatever its chunks contain', () => {
    fc.assert(
      fc.property(fc.json(), fc.string(), (json, text) => {
        const value: unknown = JSON.parse(json)
        const chunk = JSON.stringify({ candidates: [{ content: { parts: value } }, value], error: value })
        const reader = readerFor('streamGenerateContent')
        pass(reader, [stream('\n', [json, chunk, `{"usageMetadata":${json}}`]), Buffer.from(text)])
        expect(reader.outputTokensSeen).toBeGreaterThanOrEqual(0)
      }),
    )
  })
})

it('finds an error between the events of a stream, however it is split', () => {
  const error = '{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}\r\n'
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }), (sizes) => {
      const reader = readerFor('streamGenerateContent')
      pass(reader, cut(Buffer.concat([sseStream('\r\n'), Buffer.from(error)]), sizes))
      expect(reader.errorStatus).toBe(503)
      expect(reader.usage).toEqual(CHUNKS_USAGE)
    }),
  )
})

function readerFor(action: string) {
  const operation = googleOperation('POST', `/v1beta/models/gemini:${action}`)
  if (operation === undefined) throw new Error(`no operation ${action}`)
  return googleResponseReader(operation)
}
