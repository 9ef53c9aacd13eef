import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { includeUsage } from './include-usage.ts'
import { inspectOpenAiRequest } from './inspect.ts'
import { openAiOperation } from './operations.ts'

const inspect = (path: string, body: unknown, sizeBytes = 1_000) =>
  inspectOpenAiRequest(openAiOperation('POST', path), body, sizeBytes)

it.each([
  ['/chat/completions', { max_tokens: 50 }, 50],
  ['/chat/completions', { max_tokens: 50, max_completion_tokens: 70 }, 70],
  ['/responses', { max_output_tokens: 60 }, 60],
  ['/chat/completions', {}, undefined],
  ['/chat/completions', { max_tokens: -1 }, undefined],
  ['/chat/completions', { max_tokens: '50' }, undefined],
  ['/embeddings', {}, 0],
])('reads the output maximum of %s %j', (path, body, expected) => {
  expect(inspect(path, { model: 'm', ...body }).maxOutputTokens).toBe(expected)
})

it('counts outputs, media and the text around them', () => {
  const data = `data:image/png;base64,${'A'.repeat(5_000)}`
  const messages = [
    { role: 'system', content: 'x' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'what is this?' },
        { type: 'image_url', image_url: { url: data } },
        { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
        { type: 'input_audio', input_audio: { data: 'B'.repeat(300), format: 'wav' } },
        { type: 'file', file: { file_data: 'C'.repeat(200) } },
      ],
    },
  ]
  const body = { model: 'gpt-4.1', n: 3, messages }
  const sizeBytes = Buffer.byteLength(JSON.stringify(body))
  expect(inspect('/chat/completions', body, sizeBytes)).toMatchObject({
    model: 'gpt-4.1',
    outputs: 3,
    mediaParts: 4,
    promptBytes: sizeBytes - data.length - 500,
  })
})

it('finds the media of a response', () => {
  const input = [{ role: 'user', content: [{ type: 'input_image', image_url: 'data:image/png;base64,AAAA' }] }]
  expect(inspect('/responses', { model: 'm', input })).toMatchObject({ mediaParts: 1, promptBytes: 1_000 - 26 })
})

it('never throws, and finds counts only, whatever the body', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('/chat/completions', '/responses', '/embeddings', '/files'),
      fc.json(),
      (path, json) => {
        const body = JSON.parse(json)
        for (const value of [body, { messages: body, input: body, n: body, max_tokens: body }]) {
          const { promptBytes, mediaParts, outputs, maxOutputTokens = 0 } = inspect(path, value, json.length)
          for (const count of [promptBytes, mediaParts, outputs, maxOutputTokens])
            expect(count).toBeGreaterThanOrEqual(0)
        }
      },
    ),
  )
})

describe('asking for usage', () => {
  it.each([
    ['{"model":"m","stream":true}', '{"stream_options":{"include_usage":true},"model":"m","stream":true}'],
    [' {\n  "stream": true }', ' {"stream_options":{"include_usage":true},\n  "stream": true }'],
    [
      '{"stream_options":{"include_usage":false,"include_obfuscation":false},"stream":true,"seed":12345678901234567890}',
      '{"stream_options":{"include_usage":true,"include_obfuscation":false},"stream":true,"seed":12345678901234567890}',
    ],
    ['{"stream":true,"stream_options":null}', '{"stream":true,"stream_options":{"include_usage":true}}'],
  ])('makes %s %s', (text, expected) => {
    const body: unknown = JSON.parse(text)
    for (const path of ['/chat/completions', '/completions']) {
      const inspection = inspect(path, body)
      expect(inspection.addsUsage).toBe(true)
      expect(includeUsage(inspection, body, Buffer.from(text)).toString()).toBe(expected)
    }
  })

  it.each([
    ['/chat/completions', '{"stream":true,"stream_options":{"include_usage":true}}'],
    ['/chat/completions', '{"stream":false}'],
    ['/responses', '{"stream":true}'],
  ])('leaves %s %s as it is', (path, text) => {
    const body: unknown = JSON.parse(text)
    const bytes = Buffer.from(text)
    expect(includeUsage(inspect(path, body), body, bytes)).toBe(bytes)
  })
})
