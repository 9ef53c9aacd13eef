import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inspectAnthropicRequest } from './inspection.ts'
import { anthropicOperation } from './operations.ts'

describe('a message request', () => {
  it('shows its model, output maximum and streaming', () => {
    expect(inspect('/v1/messages', { model: 'claude', max_tokens: 64, stream: true })).toMatchObject({
      model: 'claude',
      maxOutputTokens: 64,
      streamed: true,
      outputs: 1,
      addsUsage: false,
    })
    for (const max_tokens of [0, -5, 'many', null, Number.NaN]) {
      expect(inspect('/v1/messages', { model: 'claude', max_tokens })).not.toHaveProperty('maxOutputTokens')
    }
  })

  it.each([
    [{ max_tokens: 1, max_tokens_to_sample: 5_000 }, 5_000],
    [{ max_tokens: 5_000, max_tokens_to_sample: 1 }, 5_000],
    [{ max_tokens: 1, max_completion_tokens: 5_000 }, 5_000],
    [{ max_tokens: '5000', max_tokens_to_sample: 1 }, 5_000],
    [{ max_tokens: 'many', max_tokens_to_sample: 1 }, undefined],
    [{ max_tokens: null, max_tokens_to_sample: 7 }, 7],
  ])('uses the largest output maximum in %j', (body, expected) => {
    expect(inspect('/v1/messages', { model: 'claude', ...body }).maxOutputTokens).toBe(expected)
  })

  it('counts the media in blocks, tool results and documents, and the text around them', () => {
    const image = (data: string) => ({ type: 'image', source: { type: 'base64', media_type: 'image/png', data } })
    const messages = [
      { role: 'user', content: 'plain' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'what is this?' },
          image('A'.repeat(1_000)),
          { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
          { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'B'.repeat(500) } },
          { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'words' } },
          { type: 'document', source: { type: 'content', content: [{ type: 'text', text: 'x' }, image('CCCC')] } },
          { type: 'document', source: { type: 'file', file_id: 'file_1' } },
          { type: 'container_upload', file_id: 'file_2' },
        ],
      },
      { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'look', input: { image: 'DDDD' } }] },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'see' }, image('E'.repeat(300))] },
          { type: 'tool_result', tool_use_id: 'u', content: 'text' },
        ],
      },
    ]
    const body = { model: 'claude', system: [{ type: 'text', text: 's' }], tools: [{ name: 'look' }], messages }
    const sizeBytes = Buffer.byteLength(JSON.stringify(body))
    expect(inspect('/v1/messages', body, sizeBytes)).toMatchObject({
      mediaParts: 7,
      // The density of capitals and quotes comes to the bytes.
      promptBytes:
        ['s', 'plain', 'what is this?', 'words', 'x', 'look', '{"image":"DDDD"}', 'see', 'text'].join('').length + 15,
    })
  })
})

it('reserves no tokens for token counting, and knows its model', () => {
  expect(inspect('/v1/messages/count_tokens', { model: 'claude', messages: [] })).toMatchObject({
    model: 'claude',
    promptBytes: 0,
    maxOutputTokens: 0,
  })
})

it.each([
  [['a', 'a'], 'a'],
  [['a', 'b'], ''],
  [['a', undefined], ''],
  [[], ''],
])('the model of a batch of %j is %j', (models, expected) => {
  const requests = models.map((model) => ({ custom_id: 'c', params: { model, max_tokens: 9 } }))
  expect(inspect('/v1/messages/batches', { requests })).toMatchObject({
    model: expected,
    maxOutputTokens: 0,
  })
})

it('leaves the model of an unreadable batch unknown', () => {
  for (const requests of [undefined, {}, 'a', [null], [{ params: 'a' }]]) {
    expect(inspect('/v1/messages/batches', { requests })).toMatchObject({ model: '' })
  }
})

it('never throws, and returns only valid counts, for any body', () => {
  const paths = fc.constantFrom('/v1/messages', '/v1/messages/count_tokens', '/v1/messages/batches', '/v1/files')
  fc.assert(
    fc.property(paths, fc.json(), (path, json) => {
      const value: unknown = JSON.parse(json)
      const block = { type: 'tool_result', content: value, source: value }
      for (const body of [
        value,
        { messages: value, max_tokens: value, model: value, requests: value },
        {
          messages: [
            { content: value },
            { content: [block, { ...block, type: 'document' }, { ...block, type: 'image' }] },
          ],
        },
        { requests: [value, { params: value }] },
      ]) {
        const { promptBytes, mediaParts, outputs, maxOutputTokens = 0, model } = inspect(path, body, json.length)
        expect(typeof model).toBe('string')
        for (const count of [promptBytes, mediaParts, outputs, maxOutputTokens]) expect(count).toBeGreaterThanOrEqual(0)
      }
    }),
  )
})

function inspect(path: string, body: unknown, sizeBytes = 1_000) {
  const operation = anthropicOperation('POST', path)
  if (operation === undefined) throw new Error(`no operation at ${path}`)
  return inspectAnthropicRequest(operation, body, sizeBytes)
}
