import { expect, it } from 'vitest'
import { providerAdapter } from '../adapters.ts'
import type { RequestInspection } from '../provider-adapter.ts'

function inspect(path: string, body: unknown, sizeBytes = 1_000): RequestInspection {
  const adapter = providerAdapter('openai')
  const operation = adapter.operation('POST', path)
  if (operation === undefined) throw new Error(`no operation at ${path}`)
  return adapter.inspect(operation, body, sizeBytes)
}

it.each([
  [
    { model: 'm', query: 'x' },
    { model: 'm', promptBytes: 1_000, outputs: 1, streamed: false },
  ],
  [
    { model: 'm', stream: true, n: 3 },
    { streamed: true, outputs: 3, addsUsage: false },
  ],
  [{ max_tokens: 5, max_output_tokens: 70 }, { maxOutputTokens: 70 }],
  [{ maxOutputTokens: 9 }, { maxOutputTokens: 9 }],
  [{ max_tokens: '5000', maxTokens: 1 }, { maxOutputTokens: 5_000 }],
  [{ max_tokens: 1, generationConfig: { maxOutputTokens: 5_000 } }, { maxOutputTokens: 5_000 }],
  [{ max_tokens: -1, n_predict: 'x' }, { promptBytes: 1_000 }],
  [undefined, { model: '', promptBytes: 1_000 }],
  [[{ model: 'm' }], { model: '', promptBytes: 1_000 }],
])('takes all of a body of unknown shape as its prompt: %j', (body, expected) => {
  const inspection = inspect('/v1/rerank', body)
  expect(inspection).toMatchObject(expected)
  if (!('maxOutputTokens' in expected)) expect(inspection).not.toHaveProperty('maxOutputTokens')
})

it('knows the media of messages in a shape that it knows', () => {
  const messages = [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:,AAAA', detail: 'low' } }] }]
  expect(inspect('/v1/Chat/Completions', { model: 'gpt-4.1', messages })).toMatchObject({
    promptBytes: 990,
    mediaParts: 1,
    mediaTokens: 85,
  })
})

it('is counted for the model of the path where the body names none', () => {
  expect(inspect('/v1/engines/davinci/completions', { prompt: 'x' }).model).toBe('davinci')
  expect(inspect('/v1/engines/davinci/completions', { model: 'm' }).model).toBe('m')
})
