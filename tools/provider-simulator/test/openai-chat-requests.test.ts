import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ProviderSimulator, startProviderSimulator } from '../src/provider-simulator.ts'

const USER = { role: 'user', content: 'Hello!' }
const FUNCTION = { type: 'function', function: { name: 'get_level' } }
const CALL = { id: 'call_1', type: 'function', function: { name: 'get_level', arguments: '{}' } }
const ASKING = { role: 'assistant', content: null, tool_calls: [CALL] }
const RESULT = { role: 'tool', tool_call_id: 'call_1', content: '3 m' }
const IMAGE = { type: 'image_url', image_url: { url: 'https://example.com/a.png', detail: 'low' } }

let simulator: ProviderSimulator

beforeAll(async () => {
  simulator = await startProviderSimulator({ accounts: [{ apiKey: 'sk-test' }] })
})
afterAll(() => simulator.stop())

it.each([
  ['every role', [{ role: 'developer', content: 'x' }, { role: 'system', content: 'x', name: 'a' }, USER]],
  ['parts', [{ role: 'user', content: [{ type: 'text', text: 'x' }, IMAGE] }]],
  ['a response as an SDK dumps it', [USER, { ...ASKING, refusal: null, annotations: [], audio: null }, RESULT]],
  ['a refusal', [USER, { role: 'assistant', content: null, refusal: 'No.' }, USER]],
  ['refused parts', [USER, { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] }, USER]],
  [
    'results in any order',
    [USER, { ...ASKING, tool_calls: [CALL, { ...CALL, id: 'b' }] }, { ...RESULT, tool_call_id: 'b' }, RESULT],
  ],
  ['a function’s result', [USER, { role: 'function', name: 'f', content: 'x' }]],
])('accepts messages with %s', async (_, messages) => {
  const response = await post('/chat/completions', { model: 'gpt-4o', messages })
  expect([response.status, await response.json()]).toMatchObject([200, { object: 'chat.completion' }])
})

it.each([
  [
    'null in place of everything',
    { temperature: null, tools: null, n: null, stop: null, stream: null, logprobs: null },
  ],
  [
    'tools',
    { tools: [FUNCTION, { type: 'custom', custom: { name: 'c' } }], tool_choice: 'auto', parallel_tool_calls: false },
  ],
  [
    'null in a tool',
    { tools: [{ ...FUNCTION, function: { name: 'f', description: null, parameters: null, strict: null } }] },
  ],
  ['a format', { response_format: { type: 'json_schema', json_schema: { name: 'j', schema: {}, strict: true } } }],
  [
    'sampling',
    { temperature: 2, top_p: 0, frequency_penalty: -2, presence_penalty: 2, seed: 1, logit_bias: { 50256: -100 } },
  ],
  [
    'all the rest',
    { user: 'u', metadata: { a: 'b' }, store: false, service_tier: 'auto', verbosity: 'low', modalities: ['text'] },
  ],
])('accepts %s', async (_, parameters) => {
  const response = await post('/chat/completions', { model: 'gpt-4o', messages: [USER], ...parameters })
  expect([response.status, await response.json()]).toMatchObject([200, { object: 'chat.completion' }])
})

it.each([
  [['x'], 'messages[0]', 'invalid_value'],
  [[{ content: 'x' }], 'messages[0].role', 'invalid_value'],
  [[USER, { role: 'model', content: 'x' }], 'messages[1].role', 'invalid_value'],
  [[{ role: 'user' }], 'messages[0].content', 'missing_required_parameter'],
  [[{ role: 'user', content: null }], 'messages[0].content', 'missing_required_parameter'],
  [[{ role: 'user', content: { text: 'x' } }], 'messages[0].content', 'invalid_value'],
  [[{ role: 'user', content: [] }], 'messages[0].content', 'invalid_value'],
  [[{ role: 'user', content: ['x'] }], 'messages[0].content[0]', 'invalid_value'],
  [[{ role: 'user', content: [{ type: 'input_text', text: 'x' }] }], 'messages[0].content', 'invalid_value'],
  [[{ role: 'system', content: [IMAGE] }], 'messages[0].content[0].image_url', 'unknown_parameter'],
  [[{ ...USER, tool_calls: [] }], 'messages[0].tool_calls', 'unknown_parameter'],
  [
    [USER, { role: 'assistant', content: 'x', reasoning_content: 'y' }],
    'messages[1].reasoning_content',
    'unknown_parameter',
  ],
  [[USER, { ...ASKING, tool_calls: [] }], 'messages[1].tool_calls', 'invalid_value'],
  [[USER, { role: 'tool', content: 'x' }], 'messages[1].tool_call_id', 'missing_required_parameter'],
])('refuses the messages %j because of %s', async (messages, param, code) => {
  const response = await post('/chat/completions', { model: 'gpt-4o', messages })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error', param, code } })
})

it.each([
  ['a result without its call', [USER, RESULT], /^Invalid parameter: messages with role 'tool' must be a response/],
  ['a call without its result', [USER, ASKING], /tool_call_ids did not have response messages: call_1$/],
  ['a result that comes too late', [USER, ASKING, USER, RESULT], /did not have response messages: call_1$/],
])('refuses %s', async (_, messages, message) => {
  const response = await post('/chat/completions', { model: 'gpt-4o', messages })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: { message: expect.stringMatching(message) } })
})

it.each([
  [{ temprature: 1 }, null, 'Unrecognized request argument supplied: temprature'],
  [{ temperature: 'hot' }, 'temperature', "Invalid value for 'temperature': must be number."],
  [{ temperature: 3 }, 'temperature', "Invalid value for 'temperature': must be <= 2."],
  [{ stream: 'yes' }, 'stream', "Invalid value for 'stream': must be boolean."],
  [{ n: 0 }, 'n', "Invalid value for 'n': must be >= 1."],
  [{ n: 129 }, 'n', "Invalid value for 'n': must be <= 128."],
  [{ n: 1.5 }, 'n', "Invalid value for 'n': must be integer."],
  [{ tools: [] }, 'tools', "Invalid value for 'tools': must not have fewer than 1 items."],
  [
    { stream: true, stream_options: { usage: true } },
    'stream_options.usage',
    "Unknown parameter: 'stream_options.usage'.",
  ],
])('refuses %j', async (parameters, param, message) => {
  const response = await post('/chat/completions', { model: 'gpt-4o', messages: [USER], ...parameters })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error', param, message } })
})

function post(path: string, body: unknown): Promise<Response> {
  return fetch(simulator.openaiBaseUrl + path, {
    method: 'POST',
    headers: { authorization: 'Bearer sk-test', 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}
