import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cut, pass } from '../../test/fixtures/wire/pieces.ts'
import { unlistedResponseReader } from './usage.ts'

const usage = (inputTokens: number, outputTokens = 0, cachedInputTokens = 0, reasoningTokens = 0) => ({
  inputTokens,
  outputTokens,
  cachedInputTokens,
  reasoningTokens,
})

describe('a response of unknown shape', () => {
  it.each([
    [{ usage: { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 } }, usage(7, 5)],
    [
      {
        usage: {
          input_tokens: 7,
          output_tokens: 5,
          input_tokens_details: { cached_tokens: 3 },
          output_tokens_details: { reasoning_tokens: 2 },
        },
      },
      usage(7, 5, 3, 2),
    ],
    [{ usage: { total_tokens: 12 } }, usage(12)],
    [
      { usage: { input_tokens: 7, cache_read_input_tokens: 3, cache_creation_input_tokens: 2 } },
      { ...usage(12, 0, 3), cacheWriteInputTokens: 2 },
    ],
    [{ usage: { inputTokens: 7, outputTokens: 5 } }, usage(7, 5)],
    [{ usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 4, thoughtsTokenCount: 1 } }, usage(7, 5, 0, 1)],
    [{ name: 'cachedContents/c', usageMetadata: { totalTokenCount: 300 } }, usage(300)],
    [{ response: { usage: { input_tokens: 7, output_tokens: 5 } } }, usage(7, 5)],
    [{ results: [], meta: { billed_units: { search_units: 1 }, tokens: { input_tokens: 9 } } }, usage(9)],
  ])('%j', (body, expected) => {
    const bytes = Buffer.from(JSON.stringify(body))
    const reader = unlistedResponseReader()
    expect(pass(reader, cut(bytes, [3])).equals(bytes)).toBe(true)
    expect(reader.usage).toEqual(expected)
  })

  it.each([{}, { usage: null }, { usage: { seconds: 3 } }, { usage: { output_tokens: 5 } }, { data: [{ usage: 1 }] }])(
    'but not %j',
    (body) => {
      const reader = unlistedResponseReader()
      pass(reader, [Buffer.from(JSON.stringify(body))])
      expect(reader.usage).toBeUndefined()
    },
  )

  it('is not searched for usage if it is neither JSON nor events', () => {
    const reader = unlistedResponseReader()
    pass(reader, [Buffer.from('RIFF{"usage":{"prompt_tokens":7}}')])
    expect(reader.usage).toBeUndefined()
  })
})

describe('a stream of unknown events', () => {
  const events = (...data: unknown[]) =>
    Buffer.from(
      data.map((one) => `event: e\ndata: ${typeof one === 'string' ? one : JSON.stringify(one)}\n\n`).join(''),
    )

  it.each([
    [
      'a chat',
      events(
        { choices: [{ delta: {} }] },
        { choices: [], usage: { prompt_tokens: 7, completion_tokens: 5 } },
        '[DONE]',
      ),
      usage(7, 5),
    ],
    [
      'a response',
      events({ response: { usage: null } }, { response: { usage: { input_tokens: 7, output_tokens: 5 } } }),
      usage(7, 5),
    ],
    [
      'a message',
      events({ message: { usage: { input_tokens: 7, output_tokens: 1 } } }, { delta: {}, usage: { output_tokens: 5 } }),
      usage(7, 5),
    ],
    [
      'chunks',
      events(
        { usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 1 } },
        { usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 5 } },
      ),
      usage(7, 5),
    ],
    [
      "a thread's run",
      events(
        { object: 'thread.run', usage: null },
        { object: 'thread.run', usage: { prompt_tokens: 7, completion_tokens: 5 } },
      ),
      usage(7, 5),
    ],
  ])('has its usage read, however it is cut: %s', (_, bytes, expected) => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (sizes) => {
        const reader = unlistedResponseReader()
        expect(pass(reader, cut(bytes, sizes)).equals(bytes)).toBe(true)
        expect(reader.usage).toMatchObject(expected)
      }),
    )
  })

  it('that reports no usage is counted by its events', () => {
    const reader = unlistedResponseReader()
    pass(reader, [events({ choices: [{ delta: {} }] }, { x: 1 }, 'text')])
    expect(reader).toMatchObject({ usage: undefined, outputTokensSeen: 3, errorStatus: undefined })
  })

  it('that ends with an error has its status read', () => {
    const reader = unlistedResponseReader()
    pass(reader, [events({ x: 1 }, { error: { type: 'rate_limit_error' } })])
    expect(reader.errorStatus).toBe(429)
  })
})
