import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { includeUsage, inspectOpenAiRequest, withoutAddition } from './inspection.ts'
import { openAiOperation } from './operations.ts'

const inspect = (path: string, body: unknown, sizeBytes = 1_000) =>
  inspectOpenAiRequest(openAiOperation('POST', path), body, sizeBytes)

it.each([
  ['/chat/completions', { max_tokens: 50 }, 50],
  ['/chat/completions', { max_tokens: 50, max_completion_tokens: 70 }, 70],
  ['/responses', { max_output_tokens: 60 }, 60],
  ['/chat/completions', {}, undefined],
  ['/chat/completions', { max_tokens: -1 }, undefined],
  ['/chat/completions', { max_output_tokens: 1, max_tokens: 5_000 }, 5_000],
  ['/chat/completions', { max_completion_tokens: 1, max_output_tokens: 2, max_tokens: 5_000 }, 5_000],
  ['/responses', { max_output_tokens: 1, max_completion_tokens: 5_000 }, 5_000],
  ['/chat/completions', { max_completion_tokens: 1, max_tokens: null }, 1],
  ['/chat/completions', { max_tokens: '50' }, 50],
  ['/chat/completions', { max_tokens: '5000', max_completion_tokens: 1 }, 5_000],
  ['/chat/completions', { max_tokens: 'many', max_completion_tokens: 1 }, undefined],
  ['/chat/completions', { max_tokens: -1, max_completion_tokens: 1 }, undefined],
  ['/chat/completions', { max_tokens: [5_000], max_completion_tokens: 1 }, undefined],
  ['/chat/completions', { max_tokens: '' }, undefined],
  ['/embeddings', {}, 0],
])('reads the output maximum of %s %j', (path, body, expected) => {
  expect(inspect(path, { model: 'm', ...body }).maxOutputTokens).toBe(expected)
})

it.each([
  [{ n: 2, best_of: 5 }, 5],
  [{ n: '3' }, 3],
  [{ n: 'x', best_of: 2 }, 2],
])('reads how many outputs %j asks for', (body, expected) => {
  expect(inspect('/completions', { model: 'm', ...body }).outputs).toBe(expected)
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
    promptBytes: 'x'.length + 'what is this?'.length,
  })
})

it('finds the media of a response', () => {
  const input = [{ role: 'user', content: [{ type: 'input_image', image_url: 'data:image/png;base64,AAAA' }] }]
  expect(inspect('/responses', { model: 'm', input })).toMatchObject({ mediaParts: 1, promptBytes: 0 })
})

it.each([
  ['low detail', 'gpt-4.1', { type: 'image_url', image_url: { url: 'https://a', detail: 'low' } }, 85],
  ['high detail', 'gpt-4.1', { type: 'image_url', image_url: { url: 'https://a', detail: 'high' } }, 765],
  ['no detail', 'gpt-4o-2024-11-20', { type: 'image_url', image_url: { url: 'https://a' } }, 765],
  ['low detail, of a small model', 'gpt-4o-mini', { type: 'image_url', image_url: { detail: 'low' } }, 2_833],
  [
    'low detail, which patches know not',
    'gpt-4.1-mini-2025-04-14',
    { type: 'image_url', image_url: { detail: 'low' } },
    1_659,
  ],
  ['a model of another maker', 'llava', { type: 'image_url', image_url: { url: 'https://a' } }, 765],
  ['audio', 'gpt-4o-audio-preview', { type: 'input_audio', input_audio: { data: 'AAAA' } }, 800],
  ['text', 'gpt-4.1', { type: 'text', text: 'x' }, 0],
])('knows what media cost: %s', (_, model, part, mediaTokens) => {
  expect(inspect('/chat/completions', { model, messages: [{ role: 'user', content: [part] }] })).toMatchObject({
    mediaTokens,
  })
})

it('finds media in what a tool gave back, in messages that are no array, and in a moderation', () => {
  const image = { type: 'input_image', image_url: 'data:,AAAA', detail: 'low' }
  const screenshot = { type: 'computer_screenshot', image_url: 'data:,AAAA' }
  const input = [
    { type: 'function_call_output', call_id: 'c', output: [{ type: 'input_text', text: 'x' }, image] },
    { type: 'computer_call_output', call_id: 'c', output: screenshot },
  ]
  const found = { mediaParts: 2, mediaTokens: 85 + 765, promptBytes: 1 }
  expect(inspect('/responses', { model: 'gpt-4.1', input })).toMatchObject(found)
  const messages = { role: 'user', content: { type: 'image_url', image_url: { url: 'data:,AAAA' } } }
  expect(inspect('/chat/completions', { model: 'm', messages })).toMatchObject({ mediaParts: 1, promptBytes: 0 })
  const moderation = { model: 'm', input: [{ type: 'image_url', image_url: { url: 'data:,AAAA' } }] }
  expect(inspect('/moderations', moderation)).toMatchObject({ mediaParts: 1, promptBytes: 0 })
})

it.each([
  ['a list of addresses', { images: [{ image_url: `data:image/png;base64,${'A'.repeat(900_000)}` }] }, 1],
  ['texts and a mask', { image: ['B'.repeat(9_000), 'C'.repeat(9_000)], mask: { image_url: 'https://a/m.png' } }, 3],
  ['a file', { image: { file_id: 'file-1' } }, 1],
])('counts the images of an edit as media: %s', (_, images, mediaParts) => {
  const prompt = 'Make the sky in this picture a little darker, please.'
  const body = { model: 'gpt-image-1', prompt, ...images }
  const inspection = inspect('/images/edits', body, JSON.stringify(body).length)
  expect(inspection).toMatchObject({ mediaParts, promptBytes: prompt.length })
  expect(inspection.mediaTokens).toBeLessThan(mediaParts * 2_000)
})

it.each([
  ['video_url', { video_url: { url: `data:video/mp4;base64,${'A'.repeat(800_000)}` } }],
  ['audio_url', { audio_url: { url: `data:audio/wav;base64,${'A'.repeat(800_000)}` } }],
  ['document_url', { document_url: `data:application/pdf;base64,${'A'.repeat(800_000)}` }],
  ['file_url', { file_url: { url: `data:application/pdf;base64,${'A'.repeat(800_000)}` } }],
  ['input_file', { file_data: `data:application/pdf;base64,${'A'.repeat(800_000)}` }],
])('counts %s as a medium, whose cost is bounded', (type, part) => {
  const body = { model: 'm', messages: [{ role: 'user', content: [{ type, ...part }] }] }
  const inspection = inspect('/chat/completions', body, JSON.stringify(body).length)
  expect(inspection).toMatchObject({ mediaParts: 1, promptBytes: 0 })
  expect(inspection.mediaTokens).toBeGreaterThanOrEqual(800)
  expect(inspection.mediaTokens).toBeLessThanOrEqual(20_000)
})

it.each([
  [{ max_completion_tokens: 70 }, 'max_completion_tokens'],
  [{ max_tokens: 50, max_completion_tokens: 70 }, 'max_completion_tokens'],
  [{ max_output_tokens: '60' }, 'max_output_tokens'],
  [{ inferenceConfig: { maxTokens: 60 } }, 'inferenceConfig.maxTokens'],
  [{ generationConfig: { maxOutputTokens: 60 } }, 'generationConfig.maxOutputTokens'],
])('names the parameter that states the maximum: %j', (body, maxOutputParameter) => {
  expect(inspect('/chat/completions', { model: 'm', ...body })).toMatchObject({ maxOutputParameter })
})

it.each([
  ['/responses', { previous_response_id: 'resp_1' }, true],
  ['/responses', { conversation: { id: 'conv_1' } }, true],
  ['/responses', { prompt: { id: 'pmpt_1' } }, true],
  ['/responses', { previous_response_id: null, conversation: null, prompt: null }, undefined],
  ['/completions', { prompt: {} }, undefined],
])('knows for %s %j whether the provider stores a part of the prompt', (path, body, expected) => {
  expect(inspect(path, { model: 'm', ...body }).hasStoredPrompt).toBe(expected)
})

it('reads a conversation to be compacted as that of a response', () => {
  const input = [
    { type: 'reasoning', id: 'rs', summary: [], encrypted_content: 'QUJD'.repeat(700) },
    { role: 'user', content: [{ type: 'input_text', text: 'and the harbor?' }] },
    { type: 'message', role: 'user', content: [{ type: 'input_image', image_url: 'data:image/png;base64,AAAA' }] },
  ]
  const body = { model: 'gpt-5', input, previous_response_id: 'resp_7' }
  const inspection = inspect('/responses/compact', body)
  expect(inspection).toEqual(inspect('/responses', body))
  expect(inspection).toMatchObject({ model: 'gpt-5', sealedBytes: 2_800, mediaParts: 1, hasStoredPrompt: true })
  expect(inspection.promptBytes).toBeLessThan(20)
})

it('never throws, and finds counts only, whatever the body', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('/chat/completions', '/responses', '/embeddings', '/files'),
      fc.json(),
      (path, json) => {
        const body = JSON.parse(json)
        for (const value of [body, { messages: body, input: body, n: body, max_tokens: body }]) {
          const { promptBytes, mediaParts, mediaTokens, outputs, maxOutputTokens } = inspect(path, value, json.length)
          for (const count of [promptBytes, mediaParts, mediaTokens ?? 0, outputs, maxOutputTokens ?? 0])
            expect(count >= 0 && Number.isFinite(count)).toBe(true)
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
    [
      '{"stream":true,"stream_options":{ "10":1.0,"2":9007199254740993}}',
      '{"stream":true,"stream_options":{"include_usage":true, "10":1.0,"2":9007199254740993}}',
    ],
    ['{"stream":true,"stream_options":{}}', '{"stream":true,"stream_options":{"include_usage":true}}'],
    [
      '{"stream":true,"stream\\u005foptions":{"include\\u005fusage":null,"a":-0}}',
      '{"stream":true,"stream\\u005foptions":{"include\\u005fusage":true,"a":-0}}',
    ],
    ['{"stream":true,"stream_options":null}', '{"stream":true,"stream_options":{"include_usage":true}}'],
  ])('makes %s %s', (text, expected) => {
    const body: unknown = JSON.parse(text)
    for (const path of ['/chat/completions', '/completions']) {
      const inspection = inspect(path, body)
      expect(inspection.addsUsage).toBe(true)
      const { bytes, addition } = includeUsage(inspection, body, Buffer.from(text))
      expect(bytes.toString()).toBe(expected)
      expect(addition && withoutAddition(bytes, addition).toString()).toBe(text)
    }
  })

  it.each([
    ['/chat/completions', '{"stream":true,"stream_options":{"include_usage":true}}'],
    ['/chat/completions', '{"stream":false}'],
    ['/responses', '{"stream":true}'],
  ])('leaves %s %s unchanged', (path, text) => {
    const body: unknown = JSON.parse(text)
    const bytes = Buffer.from(text)
    expect(includeUsage(inspect(path, body), body, bytes).bytes).toBe(bytes)
  })
})
