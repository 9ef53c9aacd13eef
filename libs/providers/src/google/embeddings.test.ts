import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nativeCall, unifiedRequest } from '../../test/fixtures/google/unified-request.ts'
import { google } from './adapter.ts'
import { embeddingsCall, embeddingsResponse } from './embeddings.ts'

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

  it('of one text is a batch of one', () => {
    expect(JSON.parse(callFor({ input: 'a' }).body.toString())).toEqual({
      requests: [{ model: 'models/embed-1', content: { parts: [{ text: 'a' }] } }],
    })
  })

  it.each([
    ['user', { input: 'a', user: 'u' }],
    ['input', { input: [[1, 2]] }],
    ['input', {}],
  ])('is refused for its %s', (param, body) => {
    expect(embeddingsCall(unifiedRequest(body))).toMatchObject({
      status: 'refused',
      param: expect.stringContaining(param),
    })
  })
})

describe('the answer', () => {
  it('is a list, without the usage that is not told', () => {
    expect(responseTo({ input: ['a', 'b'] }, { embeddings: [{ values: [1, 2] }, { values: [3, 4] }] })).toEqual({
      object: 'list',
      data: [
        { object: 'embedding', index: 0, embedding: [1, 2] },
        { object: 'embedding', index: 1, embedding: [3, 4] },
      ],
      model: 'embed-1',
    })
  })

  it('tells the usage that is told, and vectors in base64', () => {
    const answer = { embeddings: [{ values: [1] }], usageMetadata: { promptTokenCount: 3 } }
    expect(responseTo({ input: 'a', encoding_format: 'base64' }, answer)).toMatchObject({
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
  ])('%j is none', (answer) => {
    expect(responseTo({ input: 'a' }, answer)).toBeUndefined()
  })

  it('never makes it throw, whatever it holds', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        responseTo({ input: 'a' }, value)
        responseTo(
          { input: 'a', encoding_format: 'base64' },
          { embeddings: [{ values: [value] }], usageMetadata: value },
        )
        embeddingsCall(unifiedRequest({ input: value }))
      }),
    )
  })
})

function callFor(body: Readonly<Record<string, unknown>>) {
  return nativeCall(embeddingsCall(unifiedRequest(body, { model: 'embed-1' })))
}

function responseTo(body: Readonly<Record<string, unknown>>, answer: unknown): unknown {
  const translator = embeddingsResponse(callFor(body).requested).translator('application/json')
  translator.push(Buffer.from(JSON.stringify(answer)))
  const translated = translator.end()
  return translated && JSON.parse(translated.toString())
}
