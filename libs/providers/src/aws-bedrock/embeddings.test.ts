import { describe, expect, it } from 'vitest'
import { nativeCall, refusal, unifiedRequest } from '../../test/fixtures/aws-bedrock/unified-request.ts'
import { embeddingsResponse, toEmbeddingsCall } from './embeddings.ts'

const TITAN = 'amazon.titan-embed-text-v2:0'
const COHERE_3 = 'cohere.embed-english-v3'
const COHERE_4 = 'us.cohere.embed-v4:0'

const embed = (model: string, body: object) => {
  const request = unifiedRequest({}, { model })
  return toEmbeddingsCall({ ...request, body: { model: 'prod/m', ...body } })
}
const answered = (model: string, body: object, answer: unknown) => {
  const translator = embeddingsResponse(nativeCall(embed(model, body)).requested).translator('application/json')
  translator.push(Buffer.from(JSON.stringify(answer)))
  const bytes = translator.end()
  return bytes && JSON.parse(bytes.toString())
}

it('invokes the model for JSON', () => {
  expect(nativeCall(embed(TITAN, { input: 'a' }))).toMatchObject({
    path: '/model/amazon.titan-embed-text-v2%3A0/invoke',
    query: '',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
  })
})

it.each([
  [TITAN, { input: ['a'], dimensions: 256 }, { inputText: 'a', dimensions: 256 }],
  [
    'amazon.titan-embed-image-v1',
    { input: 'a', dimensions: 256 },
    { inputText: 'a', embeddingConfig: { outputEmbeddingLength: 256 } },
  ],
  ['amazon.titan-embed-text-v1', { input: 'a' }, { inputText: 'a' }],
  ['amazon.titan-embed-text-v3:0', { input: 'a', dimensions: 256 }, { inputText: 'a', dimensions: 256 }],
  [
    'cohere.embed-v5:0',
    { input: 'a', dimensions: 512 },
    { texts: ['a'], input_type: 'search_document', output_dimension: 512 },
  ],
  [COHERE_3, { input: ['a', 'b'] }, { texts: ['a', 'b'], input_type: 'search_document' }],
  [COHERE_4, { input: 'a', dimensions: 512 }, { texts: ['a'], input_type: 'search_document', output_dimension: 512 }],
])('%s is asked in its own words', (model, asked, body) => {
  expect(JSON.parse(nativeCall(embed(model, asked)).body.toString())).toEqual(body)
})

it.each([
  ['several texts for Titan', TITAN, { input: ['a', 'b'] }, 'input'],
  ['too many texts for Cohere', COHERE_3, { input: Array.from({ length: 97 }, () => 'a') }, 'input'],
  ['dimensions that Titan has not', 'amazon.titan-embed-text-v1', { input: 'a', dimensions: 2 }, 'dimensions'],
  ['dimensions that Cohere has not', COHERE_3, { input: 'a', dimensions: 2 }, 'dimensions'],
  ['a model that embeds nothing', 'amazon.nova-lite-v1:0', { input: 'a' }, 'model'],
  ['tokens', TITAN, { input: [1, 2] }, 'input'],
  ['a parameter of its own', TITAN, { input: 'a', user: 'u' }, 'user'],
])('%s are refused', (_, model, body, param) => {
  expect(refusal(embed(model, body)).param).toMatch(param)
})

describe('an answer', () => {
  it('of Titan has usage', () => {
    expect(answered(TITAN, { input: 'a' }, { embedding: [0.5, 1], inputTextTokenCount: 3 })).toEqual({
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [0.5, 1] }],
      model: TITAN,
      usage: { prompt_tokens: 3, total_tokens: 3 },
    })
  })

  it.each([
    [COHERE_3, [[0.5], [1]]],
    [COHERE_4, { float: [[0.5], [1]] }],
  ])('of %s has none', (model, embeddings) => {
    expect(answered(model, { input: ['a', 'b'], encoding_format: 'base64' }, { embeddings })).toEqual({
      object: 'list',
      data: [
        { object: 'embedding', index: 0, embedding: 'AAAAPw==' },
        { object: 'embedding', index: 1, embedding: 'AACAPw==' },
      ],
      model,
    })
  })

  it.each([
    [TITAN, { input: 'a' }, { embedding: ['x'] }],
    [TITAN, { input: 'a' }, null],
    [COHERE_3, { input: ['a', 'b'] }, { embeddings: [[1]] }],
    [COHERE_3, { input: 'a' }, { embeddings: [] }],
  ])('of %s that has not what was asked for is none', (model, body, answer) => {
    expect(answered(model, body, answer)).toBeUndefined()
  })
})
