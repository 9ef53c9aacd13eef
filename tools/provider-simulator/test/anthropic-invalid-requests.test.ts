import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ProviderSimulator, startProviderSimulator } from '../src/provider-simulator.ts'

const REQUEST = { model: 'claude-haiku-4-5', max_tokens: 64, messages: [{ role: 'user', content: 'Hello!' }] }

let simulator: ProviderSimulator

beforeAll(async () => {
  simulator = await startProviderSimulator({ provider: 'anthropic', accounts: [{ apiKey: 'sk-ant-test' }] })
})
afterAll(() => simulator.stop())

it.each([
  ['no maximum', { max_tokens: undefined }, 400, 'max_tokens: Field required'],
  ['a maximum beyond the model', { max_tokens: 64_001 }, 400, 'max_tokens: 64001 > 64000'],
  ['a model that does not exist', { model: 'claude-0' }, 404, 'model: claude-0'],
  ['no messages', { messages: [] }, 400, 'messages: at least one message is required'],
  ['a system message', { messages: [{ role: 'system', content: 'x' }] }, 400, 'messages.0.role: Input must be'],
  ['an empty message', { messages: [{ role: 'user', content: '' }] }, 400, 'messages.0: all messages must have'],
  ['a parameter of others', { n: 2 }, 400, 'n: Extra inputs are not permitted'],
  ['a temperature out of range', { temperature: 1.5 }, 400, 'temperature: Input must be <= 1'],
  ['a tool without a schema', { tools: [{ name: 'x' }] }, 400, 'tools.0: Input must be'],
  [
    'the result of no tool',
    { messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1' }] }] },
    400,
    'messages.0: unexpected `tool_use_id`',
  ],
  [
    'a tool without its result',
    {
      messages: [
        { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'x', input: {} }] },
        { role: 'user', content: 'Well?' },
      ],
    },
    400,
    'messages.0: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1',
  ],
])('refuses %s', async (_, change, status, message) => {
  const response = await post('/v1/messages', { ...REQUEST, ...change })
  expect(response.status).toBe(status)
  expect(await response.json()).toMatchObject({
    type: 'error',
    error: { message: expect.stringContaining(message) },
    request_id: response.headers.get('request-id'),
  })
})

it('accepts version 2026-10-21, which the current SDK speaks', async () => {
  expect((await post('/v1/messages', REQUEST, { 'anthropic-version': '2026-10-21' })).status).toBe(200)
})

it('refuses sampling where the model has none', async () => {
  const response = await post('/v1/messages', { ...REQUEST, model: 'claude-opus-4-7', temperature: 0.5 })
  expect(await response.json()).toMatchObject({ error: { message: '`temperature` is deprecated for this model.' } })
})

it.each([
  [{ 'anthropic-version': '2020-01-01' }, 400, 'anthropic-version: "2020-01-01" is not a valid version'],
  [{ 'anthropic-version': null }, 400, 'anthropic-version: header is required'],
  [{ 'x-api-key': null }, 401, 'x-api-key header is required'],
])('refuses the headers %j', async (headers, status, message) => {
  const response = await post('/v1/messages', REQUEST, headers)
  expect(response.status).toBe(status)
  expect(await response.json()).toMatchObject({ error: { message } })
})

it('accepts the key as a bearer token, unless the other header has another key', async () => {
  const authorization = 'Bearer sk-ant-test'
  expect((await post('/v1/messages', REQUEST, { 'x-api-key': null, authorization })).status).toBe(200)
  expect((await post('/v1/messages', REQUEST, { 'x-api-key': 'sk-ant-other', authorization })).status).toBe(401)
})

/** With valid headers but for `changes`, where null takes one away. */
function post(path: string, body: unknown, changes: Record<string, string | null> = {}): Promise<Response> {
  const headers = { 'x-api-key': 'sk-ant-test', 'anthropic-version': '2023-06-01', ...changes }
  const present = Object.entries(headers).flatMap(([name, value]) => (value === null ? [] : [[name, value]]))
  return fetch(simulator.url + path, {
    method: 'POST',
    headers: Object.fromEntries(present),
    body: JSON.stringify(body),
  })
}
