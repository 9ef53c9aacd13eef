import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ProviderSimulator, startProviderSimulator } from '../src/provider-simulator.ts'

const MESSAGES = [{ role: 'user', content: 'Hello!' }]

let simulator: ProviderSimulator

beforeAll(async () => {
  simulator = await startProviderSimulator({
    accounts: [{ apiKey: 'sk-test', limits: { requests: { limit: 500, period: 'minute' } } }],
    maxBodyBytes: 10_000,
  })
})
afterAll(() => simulator.stop())

it.each([
  ['no JSON', '{"model', 400, { message: expect.stringMatching(/^We could not parse the JSON body/), code: null }],
  ['JSON that is no object', '[]', 400, { message: expect.stringMatching(/^We could not parse the JSON body/) }],
  ['no body', '', 400, { message: expect.stringMatching(/^We could not parse the JSON body/) }],
  ['no model', { messages: MESSAGES }, 400, { message: 'you must provide a model parameter', param: null }],
  [
    'an unknown model',
    { model: 'gpt-4.1-nano-wrong', messages: MESSAGES },
    404,
    {
      message: 'The model `gpt-4.1-nano-wrong` does not exist or you do not have access to it.',
      type: 'invalid_request_error',
      param: null,
      code: 'model_not_found',
    },
  ],
  [
    'a model of another kind',
    { model: 'text-embedding-3-small', messages: MESSAGES },
    403,
    { message: 'You are not allowed to sample from this model' },
  ],
  [
    'no messages',
    { model: 'gpt-4o' },
    400,
    { message: "Missing required parameter: 'messages'.", param: 'messages', code: 'missing_required_parameter' },
  ],
  [
    'messages that are not a list',
    { model: 'gpt-4o', messages: 'hi' },
    400,
    { param: 'messages', code: 'invalid_value' },
  ],
  ['an empty list of messages', { model: 'gpt-4o', messages: [] }, 400, { param: 'messages', code: 'invalid_value' }],
  [
    'a maximum below 1',
    { model: 'gpt-4o', messages: MESSAGES, max_tokens: 0 },
    400,
    { param: 'max_tokens', code: 'invalid_value' },
  ],
  [
    'a maximum that is no number',
    { model: 'gpt-4o', messages: MESSAGES, max_completion_tokens: 'many' },
    400,
    { param: 'max_completion_tokens', code: 'invalid_value' },
  ],
  [
    'a parameter that reasoning models refuse',
    { model: 'gpt-5-nano', messages: MESSAGES, max_tokens: 0, temperature: -0.5 },
    400,
    {
      message:
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      param: 'max_tokens',
      code: 'unsupported_parameter',
    },
  ],
  [
    'stream options without a stream',
    { model: 'gpt-4o', messages: MESSAGES, stream_options: { include_usage: true } },
    400,
    { param: 'stream_options' },
  ],
  ['a body that is too large', { model: 'x'.repeat(20_000) }, 413, { type: 'invalid_request_error' }],
])('refuses a chat completion with %s', async (_, body, status, error) => {
  const response = await post('/v1/chat/completions', body)
  expect(response.status).toBe(status)
  expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error', ...error } })
})

it.each([
  ['/v1/embeddings', { model: 'text-embedding-3-small' }, 'input'],
  ['/v1/embeddings', { model: 'text-embedding-3-small', input: [] }, 'input'],
  ['/v1/responses', { model: 'gpt-5' }, 'input'],
  ['/v1/completions', { model: 'babbage-002' }, 'prompt'],
])('names the missing parameter at %s for %j', async (path, body, param) => {
  const response = await post(path, body)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: { param } })
})

it('charges a refused request, but not one for a model that does not exist', async () => {
  const refused = await post('/v1/chat/completions', { model: 'gpt-4.1' })
  expect(refused.headers.get('x-ratelimit-remaining-requests')).toBe('499')
  const unknown = await post('/v1/chat/completions', { model: 'gpt-0', messages: MESSAGES })
  expect(unknown.headers.get('x-ratelimit-remaining-requests')).toBeNull()
})

it('refuses an unknown path as the API does', async () => {
  const response = await post('/v1/nothing', {})
  expect(response.status).toBe(404)
  expect(await response.json()).toMatchObject({ error: { message: 'Invalid URL (POST /v1/nothing)' } })
})

it('asks for a key where there is none', async () => {
  const response = await fetch(`${simulator.url}/v1/models`)
  expect(response.status).toBe(401)
  expect(await response.json()).toMatchObject({ error: { message: expect.stringMatching(/^You didn't provide/) } })
})

function post(path: string, body: unknown): Promise<Response> {
  return fetch(simulator.url + path, {
    method: 'POST',
    headers: { authorization: 'Bearer sk-test', 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}
