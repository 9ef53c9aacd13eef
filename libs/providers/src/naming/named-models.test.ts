import type { ProviderId } from '@sluice/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { providerAdapter } from '../adapters.ts'
import { queryModels } from './named-models.ts'

function namedModels(provider: ProviderId, path: string, body: unknown): readonly string[] {
  const adapter = providerAdapter(provider)
  const operation = adapter.operation('POST', path)
  if (operation === undefined) throw new Error(`${provider} does not serve ${path}`)
  return adapter.namedModels(operation, body)
}

const inlined = (...models: unknown[]) => ({ requests: { requests: models.map((model) => ({ request: { model } })) } })

describe('a request names its models', () => {
  it.each([
    ['openai', '/v1/chat/completions', { model: 'a' }, ['a']],
    ['openai', '/v1/chat/completions', {}, ['']],
    ['openai', '/v1/chat/completions', undefined, ['']],
    ['openai', '/v1/chat/completions', { model: ['a'] }, ['']],
    ['openai', '/v1/chat/completions', { model: 'a', models: ['b', 'c'] }, ['a', 'b', 'c']],
    ['openai', '/v1/chat/completions', { model: 'a', models: 'b' }, ['a', 'b']],
    ['openai', '/v1/chat/completions', { model: 'a', models: { b: 1 } }, ['a', '']],
    ['openai', '/v1/chat/completions', { model: 'a', fallbacks: [{ model: 'b' }, 7] }, ['a', 'b', '']],
    ['openai', '/v1/chat/completions', { model: 'a', tools: [{ function: { model: 'x' } }, null] }, ['a']],
    ['openai', '/v1/responses', { model: 'a', tools: [{ type: 'image_generation', model: 'b' }] }, ['a', 'b']],
    ['openai', '/v1/responses', { prompt: { id: 'p' } }, ['']],
    [
      'groq',
      '/openai/v1/chat/completions',
      { model: 'a', compound_custom: { models: { answering_model: 'b', reasoning_model: 'c' } } },
      ['a', 'b', 'c'],
    ],
    ['openai', '/v1/threads/runs', { assistant_id: 'x' }, ['']],
    ['openai', '/v1/threads/runs', { assistant_id: 'x', tools: [{ model: 'a' }] }, ['']],
    ['openai', '/v1/rerank', { model: 'a', options: { base_model: 'b' } }, ['a', 'b']],
    ['openai', '/v1/rerank', { model: 'a', x: [{ models: ['b'] }] }, ['a', 'b']],
    ['openai', '/v1/engines/a/completions', {}, ['a']],
    ['openai', '/v1/Engines/a%2Db/completions', { model: 'c' }, ['a-b', 'c']],
    ['openai', '/v1/deployments/a/chat/completions', undefined, ['a']],
    ['openai', '/v1/models/a:generate', { model: 'b' }, ['a', 'b']],
    ['openai', '/v1/fine_tuning/jobs', { model: 'a', method: { grader: { model: 'b' } } }, ['a', 'b']],
    ['openai', '/v1/batches', { model: 'a' }, ['']],
    ['openai', '/v1/rerank', JSON.parse('{"__proto__":{"model":"a"}}'), ['']],
    ['openai', '/v1/rerank', JSON.parse('{"model":"a","__proto__":{"model":"b"}}'), ['a', 'b']],
    ['openai', '/v1/chat/completions', JSON.parse('{"__proto__":{"model":"a"}}'), ['']],
    ['anthropic', '/v1/messages', { model: 'a', tools: [{ type: 'advisor', model: 'b' }] }, ['a', 'b']],
    ['anthropic', '/v1/messages', { model: 'a', tools: [{ input_schema: { model: 'b' } }] }, ['a']],
    [
      'anthropic',
      '/v1/messages/batches',
      { requests: [{ params: { model: 'a' } }, { params: { model: 'b', tools: [{ model: 'c' }] } }, 7, {}] },
      ['a', 'b', 'c', '', ''],
    ],
    ['anthropic', '/v1/messages/batches', { requests: [] }, ['']],
    ['anthropic', '/v1/messages/batches', undefined, ['']],
    ['anthropic', '/v1/sessions', { agent: 'x' }, ['']],
    ['google', '/v1beta/models/a:generateContent', {}, ['a']],
    ['google', '/v1beta/models/a:generateContent', { model: 'models/b' }, ['a', 'b']],
    ['google', '/v1beta/models/a:batchEmbedContents', { requests: [{ model: 'models/b' }, {}] }, ['a', 'b']],
    ['google', '/v1beta/models/a:countTokens', { generateContentRequest: { model: 'models/b' } }, ['a', 'b']],
    [
      'google',
      '/v1beta/models/a:batchGenerateContent',
      { batch: { model: 'models/b', inputConfig: inlined('models/c', undefined) } },
      ['a', 'b', 'c'],
    ],
    ['google', '/v1beta/models/a:batchGenerateContent', { batch: { input_config: inlined('models/b') } }, ['a', 'b']],
    ['google', '/v1beta/tunedModels/a:generateContent', {}, ['tunedModels/a']],
    ['google', '/v1beta/cachedContents', { model: 'models/a' }, ['a']],
    ['google', '/v1beta/tunedModels', { baseModel: 'models/a' }, ['']],
    ['aws-bedrock', '/model/a/invoke', { prompt: 'x' }, ['a']],
    ['aws-bedrock', '/model/arn%3Aaws%3Ab%2Fa/converse', { model: 'b' }, ['arn:aws:b/a', 'b']],
  ] as const)('%s %s %j', (provider, path, body, models) => {
    expect([...namedModels(provider, path, body)].toSorted()).toEqual([...models].toSorted())
  })

  it.each([
    ['', []],
    ['stream=true', []],
    ['model=a', ['a']],
    ['x=1&Model=a%2Db&model=c', ['a-b', 'c']],
    ['m%6fdel=a', ['a']],
    ['x=1;model=a', ['a']],
    ['models[]=a&deployment-id=b', ['a', 'b']],
    ['model=', ['']],
    ['%&=%zz', []],
  ])('in its query: %j', (query, models) => {
    expect(queryModels(query)).toEqual(models)
  })

  it('whatever the body, without a throw', () => {
    const paths = fc.constantFrom(
      ['openai', '/v1/chat/completions'],
      ['openai', '/v1/rerank'],
      ['anthropic', '/v1/messages/batches'],
      ['google', '/v1beta/models/a:batchGenerateContent'],
      ['aws-bedrock', '/model/a/invoke'],
    ) as fc.Arbitrary<[ProviderId, string]>
    fc.assert(
      fc.property(paths, fc.json(), ([provider, path], json) => {
        const value: unknown = JSON.parse(json)
        for (const body of [
          value,
          { models: value, tools: value, requests: value, compound_custom: value, batch: value },
        ])
          expect(namedModels(provider, path, body).every((model) => typeof model === 'string')).toBe(true)
      }),
    )
  })

  it('at a depth that no recursion would reach', () => {
    const body = JSON.parse(`{"model":"a","x":${'['.repeat(50_000)}{"model":"b"}${']'.repeat(50_000)}}`)
    expect(namedModels('openai', '/v1/rerank', body)).toEqual(['a', 'b'])
  })
})
