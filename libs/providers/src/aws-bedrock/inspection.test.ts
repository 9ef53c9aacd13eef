import fc from 'fast-check'
import { expect, it } from 'vitest'
import { inspectBedrockRequest } from './inspection.ts'
import { bedrockOperation } from './operations.ts'

it.each([
  ['converse', { inferenceConfig: { maxTokens: 64 } }, 64],
  ['invoke', { anthropic_version: 'bedrock-2023-05-31', max_tokens: 65 }, 65],
  ['invoke', { inferenceConfig: { max_new_tokens: 66 } }, 66],
  ['invoke', { inputText: 'x', textGenerationConfig: { maxTokenCount: 67 } }, 67],
  ['invoke', { prompt: 'x', max_gen_len: 68 }, 68],
  ['invoke', { prompt: 'x', max_tokens_to_sample: 69 }, 69],
  ['invoke', { messages: [], max_completion_tokens: 70 }, 70],
  ['converse', {}, undefined],
  ['converse', { inferenceConfig: { maxTokens: '64' } }, 64],
  ['converse', { inferenceConfig: { maxTokens: 'many' } }, undefined],
  ['converse', { inferenceConfig: { maxTokens: 1 }, additionalModelRequestFields: { max_tokens: 5_000 } }, 5_000],
  ['invoke', { inferenceConfig: { max_new_tokens: 1 }, max_tokens: 5_000 }, 5_000],
  ['invoke', { max_completion_tokens: 1, max_tokens: 2, max_gen_len: 5_000 }, 5_000],
  ['invoke', { textGenerationConfig: { maxTokenCount: 1 }, max_tokens_to_sample: '5000' }, 5_000],
  ['invoke', { max_tokens: -1, inferenceConfig: 'x', textGenerationConfig: [] }, undefined],
  ['count-tokens', { input: {} }, 0],
])('reads the output maximum of %s %j', (action, body, expected) => {
  expect(inspect(action, body).maxOutputTokens).toBe(expected)
})

it('expects no output of an embedding', () => {
  expect(inspect('invoke', { inputText: 'x' }, 'amazon.titan-embed-text-v2%3A0')).toMatchObject({
    model: 'amazon.titan-embed-text-v2:0',
    maxOutputTokens: 0,
    promptBytes: 1,
  })
})

it('recognizes a stream by its path, and several outputs by the body', () => {
  expect(inspect('converse-stream', {})).toMatchObject({ streamed: true, outputs: 1 })
  expect(inspect('invoke-with-response-stream', { num_generations: 3, n: 1 })).toMatchObject({
    streamed: true,
    outputs: 3,
  })
  expect(inspect('invoke', { num_generations: 1, n: 8 }).outputs).toBe(8)
  expect(inspect('converse', { n: 3 })).toMatchObject({ streamed: false, outputs: 1 })
})

it('counts the media of a conversation, and the text around them', () => {
  const image = (bytes: string) => ({ image: { format: 'png', source: { bytes } } })
  const body = {
    system: [{ text: 's' }, { guardContent: { image: { format: 'png', source: { bytes: 'GGGG' } } } }],
    messages: [
      {
        role: 'user',
        content: [
          { text: 'look' },
          image('A'.repeat(1_000)),
          { document: { format: 'pdf', name: 'd', source: { bytes: 'B'.repeat(500) } } },
          { document: { format: 'txt', name: 'e', source: { text: 'words' } } },
          { video: { format: 'mp4', source: { s3Location: { uri: 's3://bucket/v' } } } },
          { cachePoint: { type: 'default' } },
        ],
      },
      { role: 'assistant', content: [{ toolUse: { toolUseId: 't', name: 'look', input: { image: 'DDDD' } } }] },
      {
        role: 'user',
        content: [{ toolResult: { toolUseId: 't', content: [{ json: {} }, image('E'.repeat(30))] } }],
      },
    ],
    toolConfig: { tools: [] },
  }
  expect(inspect('converse', body)).toMatchObject({
    mediaParts: 5,
    // The density of capitals and quotes comes to the bytes.
    promptBytes: ['s', 'look', 'd', 'e', 'words', 'look', '{"image":"DDDD"}', '{}'].join('').length + 17,
  })
})

it.each([
  ["Anthropic's", { messages: [{ content: [{ type: 'image', source: { type: 'base64', data: 'AAAA' } }] }] }],
  ["Nova's", { messages: [{ content: [{ image: { format: 'png', source: { bytes: 'AAAA' } } }] }] }],
  ["OpenAI's", { messages: [{ content: [{ type: 'image_url', image_url: { url: 'AAAA' } }] }] }],
  ["Titan's", { inputText: 'x', inputImage: 'AAAA' }],
  ["Cohere's", { images: ['AAAA'], input_type: 'image' }],
])('counts the media of an invocation in %s format', (_, body) => {
  expect(inspect('invoke', body)).toMatchObject({ mediaParts: 1 })
  expect(inspect('invoke', body).promptBytes).toBeLessThan('image'.length + 1)
})

it('never throws, and returns only valid counts, for any body', () => {
  const actions = fc.constantFrom(
    'converse',
    'converse-stream',
    'invoke',
    'invoke-with-response-stream',
    'count-tokens',
  )
  fc.assert(
    fc.property(actions, fc.json(), (action, json) => {
      const value: unknown = JSON.parse(json)
      const block = { image: value, document: { source: value }, toolResult: value, guardContent: value }
      for (const body of [
        value,
        { messages: value, system: value, inferenceConfig: value, textGenerationConfig: value, images: value },
        { messages: [{ content: value }, { content: [block, { toolResult: { content: value } }] }], max_tokens: value },
        { inputImage: value, n: value, num_generations: value },
      ]) {
        const { promptBytes, mediaParts, outputs, maxOutputTokens = 0 } = inspect(action, body)
        for (const count of [promptBytes, mediaParts, outputs, maxOutputTokens]) expect(count).toBeGreaterThanOrEqual(0)
      }
    }),
  )
})

function inspect(action: string, body: unknown, model = 'm') {
  const operation = bedrockOperation('POST', `/model/${model}/${action}`)
  if (operation === undefined) throw new Error(`no operation ${action}`)
  return inspectBedrockRequest(operation, body)
}
