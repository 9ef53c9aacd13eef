import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cut, pass } from '../../test/fixtures/wire/pieces.ts'
import { groq } from './adapter.ts'

const CHAT_PATH = '/openai/v1/chat/completions'

it('has its operations below /openai/v1', () => {
  expect(groq.operation('POST', CHAT_PATH)).toEqual({
    kind: 'chat',
    usesModel: true,
    body: 'json',
    path: '/chat/completions',
  })
  expect(groq.operation('GET', '/openai/v1/models')).toMatchObject({ usesModel: false, path: '/models' })
  for (const path of ['/v2/chat/completions', '/openai/v2/models', '/openai/v1', '/']) {
    expect(groq.operation('POST', path)).toBeUndefined()
  }
})

it.each([
  [undefined, 'https://api.groq.com/openai/v1'],
  ['http://127.0.0.1:9000/', 'http://127.0.0.1:9000/openai/v1'],
  ['https://proxy.example/groq', 'https://proxy.example/groq/openai/v1'],
  ['https://proxy.example/openai/v1/', 'https://proxy.example/openai/v1'],
  ['https://api.groq.com/openai', 'https://api.groq.com/openai/v1'],
  ['https://api.groq.com/v1', 'https://api.groq.com/openai/v1'],
  ['https://api.groq.com//openai/v1/openai/v1', 'https://api.groq.com/openai/v1'],
])('with base URL %j is at %s', (baseUrl, expected) => {
  expect(groq.baseUrl({ baseUrl })).toBe(expected)
})

it('authenticates with its key', () => {
  expect(groq.signing).toBe('headers')
  expect(groq.authHeaders({ apiKey: { reveal: () => 'gsk_test' } })).toEqual({ authorization: 'Bearer gsk_test' })
})

it('counts requests by the day and tokens by the minute', () => {
  const headers = {
    'retry-after': '2',
    'x-ratelimit-limit-requests': '14400',
    'x-ratelimit-limit-tokens': '18000',
    'x-ratelimit-limit-audio-seconds': '7200',
    'x-ratelimit-remaining-requests': '14370',
    'x-ratelimit-remaining-tokens': '17997',
    'x-ratelimit-reset-requests': '2m59.56s',
    'x-ratelimit-reset-tokens': '7.66s',
    'x-request-id': 'req_1',
  }
  expect(groq.rateLimits(headers, 0)).toEqual([
    { dimension: 'audio-seconds', limit: 7_200 },
    { dimension: 'requests', limit: 14_400, remaining: 14_370, resetMs: 179_560, periodMs: 86_400_000 },
    { dimension: 'tokens', limit: 18_000, remaining: 17_997, resetMs: 7_660, periodMs: 60_000 },
  ])
  expect(groq.retryAfterMs(headers, 0)).toBe(2_000)
  const { 'x-request-id': _, ...kept } = headers
  expect(groq.rateLimitHeaders(headers)).toEqual(kept)
})

describe('a stream', () => {
  const bytes = readFileSync(join(import.meta.dirname, '../../test/fixtures/groq', 'chat-stream.txt'))
  const usage = { inputTokens: 41, outputTokens: 17, cachedInputTokens: 32, reasoningTokens: 0 }

  it('is requested as the caller requested it', () => {
    const body = { model: 'llama-3.3-70b-versatile', stream: true, messages: [] }
    const sent = Buffer.from(JSON.stringify(body))
    const inspection = groq.inspect(chat(), body, sent.length)
    expect(inspection).toMatchObject({ model: body.model, streamed: true, addsUsage: false })
    expect(groq.outgoingBody(inspection, body, sent).bytes).toBe(sent)
  })

  it.each([['\n'], ['\r\n']])('has its usage in x_groq read, however it is cut (line end %j)', (lineEnd) => {
    const stream = Buffer.from(`: hello${lineEnd}${lineEnd}${bytes.toString().replaceAll('\n', lineEnd)}`)
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }), (sizes) => {
        const reader = readerFor()
        expect(pass(reader, cut(stream, sizes))).toEqual(stream)
        expect(reader.usage).toEqual(usage)
      }),
      { numRuns: 1_000 },
    )
  })

  it('has its usage beside the choices read, too, where the caller requested it', () => {
    const reader = readerFor()
    pass(reader, [Buffer.from('data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\n')])
    expect(reader.usage).toMatchObject({ inputTokens: 3, outputTokens: 4 })
  })

  it('that is broken off has its tokens counted', () => {
    const reader = readerFor()
    pass(reader, [bytes.subarray(0, bytes.lastIndexOf('"delta"'))])
    expect(reader.usage).toBeUndefined()
    expect(reader.outputTokensSeen).toBe(2)
  })
})

function readerFor() {
  return groq.responseReader(chat(), groq.inspect(chat(), { stream: true }, 100))
}

function chat() {
  const operation = groq.operation('POST', CHAT_PATH)
  if (operation === undefined) throw new Error(`no operation at ${CHAT_PATH}`)
  return operation
}
