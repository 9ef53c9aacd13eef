import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nativeCall, unifiedRequest } from '../../test/fixtures/google/unified-request.ts'
import { google } from './adapter.ts'
import { embeddingsResponse, toEmbeddingsCall } from './embeddings.ts'

describe('a request for embeddings', () => {
  it('becomes a batch', () => {
    const call = callFor({ input: ['a', 'b'], dimensions: 8 })
    expect(call.path).toBe('/v1beta/models/embed-1:batchEmbedContents')
    expect(google.operation('POST', call.path)).toMatchObject({ kind: 'embed', model: 'embed-1' })
    expect(JSON.parse(call.body.toString())).toEqual({
      requests: ['a', 'b'].map((text) => ({
        model: 'models/embed-1',
        content: { parts: [{ text }] },
        outputDimensionality: 8,
      })),
    })
  })

  it('of one text becomes a batch of one', () => {
    expect(JSON.parse(callFor({ input: 'a' }).body.toString())).toEqual({
      requests: [{ model: 'models/embed-1', content: { parts: [{ text: 'a' }] } }],
    })
  })

  it.each([
    ['user', { input: 'a', user: 'u' }],
    ['input', { input: [[1, 2]] }],
    ['input', {}],
  ])('is refused for its %s', (param, body) => {
    expect(toEmbeddingsCall(unifiedRequest(body))).toMatchObject({
      status: 'refused',
      param: expect.stringContaining(param),
    })
  })
})

describe('the response', () => {
  it('becomes a list, without usage where none is reported', () => {
    expect(responseTo({ input: ['a', 'b'] }, { embeddings: [{ values: [1, 2] }, { values: [3, 4] }] })).toEqual({
      object: 'list',
      data: [
        { object: 'embedding', index: 0, embedding: [1, 2] },
        { object: 'embedding', index: 1, embedding: [3, 4] },
      ],
      model: 'embed-1',
    })
  })

  it('contains the reported usage, and vectors in base64', () => {
    const response = { embeddings: [{ values: [1] }], usageMetadata: { promptTokenCount: 3 } }
    expect(responseTo({ input: 'a', encoding_format: 'base64' }, response)).toMatchObject({
      data: [{ embedding: 'AACAPw==' }],
      usage: { prompt_tokens: 3, total_tokens: 3 },
    })
  })

  it.each([
    null,
    {},
    { embeddings: [] },
    { embeddings: [{ values: [1] }, { values: [1] }] },
    { embeddings: [{ values: [] }] },
    { embeddings: [{ values: ['1'] }] },
    { embeddings: [null] },
  ])('%j is not translated', (response) => {
    expect(responseTo({ input: 'a' }, response)).toBeUndefined()
  })

  it('never makes it throw, whatever it contains', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        responseTo({ input: 'a' }, value)
        responseTo(
          { input: 'a', encoding_format: 'base64' },
          { embeddings: [{ values: [value] }], usageMetadata: value },
        )
        toEmbeddingsCall(unifiedRequest({ input: value }))
      }),
    )
  })
})

function callFor(body: Readonly<Record<string, unknown>>) {
  return nativeCall(toEmbeddingsCall(unifiedRequest(body, { model: 'embed-1' })))
}

function responseTo(body: Readonly<Record<string, unknown>>, response: unknown): unknown {
  const translator = embeddingsResponse(callFor(body).requested).translator('application/json')
  translator.push(Buffer.from(JSON.stringify(response)))
  const translated = translator.end()
  return translated && JSON.parse(translated.toString())
}
