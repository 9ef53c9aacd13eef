import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ProviderSimulator, startProviderSimulator } from '../../start-provider-simulator.ts'

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
  ['an answer as an SDK dumps it', [USER, { ...ASKING, refusal: null, annotations: [], audio: null }, RESULT]],
  ['a refusal', [USER, { role: 'assistant', content: null, refusal: 'No.' }, USER]],
  ['refused parts', [USER, { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] }, USER]],
  [
    'results in any order',
    [USER, { ...ASKING, tool_calls: [CALL, { ...CALL, id: 'b' }] }, { ...RESULT, tool_call_id: 'b' }, RESULT],
  ],
  ['a function’s result', [USER, { role: 'function', name: 'f', content: 'x' }]],
])('takes messages with %s', async (_, messages) => {
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
])('takes %s', async (_, parameters) => {
  const response = await post('/chat/completions', { model: 'gpt-4o', messages: [USER], ...parameters })
  expect([response.status, await response.json()]).toMatchObject([200, { object: 'chat.completion' }])
})

it.each([
  [
    ['x'],
    'messages[0]',
    'invalid_type',
    "Invalid type for 'messages[0]': expected an object, but got a string instead.",
  ],
  [
    [{ content: 'x' }],
    'messages[0].role',
    'missing_required_parameter',
    "Missing required parameter: 'messages[0].role'.",
  ],
  [
    [USER, { role: 'model', content: 'x' }],
    'messages[1].role',
    'invalid_value',
    "Invalid value: 'model'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.",
  ],
  [
    [{ role: 'user' }],
    'messages[0].content',
    'missing_required_parameter',
    "Missing required parameter: 'messages[0].content'.",
  ],
  [
    [{ role: 'user', content: null }],
    'messages[0].content',
    null,
    "Invalid value for 'content': expected a string, got null.",
  ],
  [
    [USER, { role: 'assistant', content: null }],
    'messages[1].content',
    null,
    "Invalid value for 'content': expected a string, got null.",
  ],
  [
    [{ role: 'user', content: { text: 'x' } }],
    'messages[0].content',
    'invalid_type',
    "Invalid type for 'messages[0].content': expected one of a string or array of objects, but got an object instead.",
  ],
  [
    [{ role: 'user', content: [] }],
    'messages[0].content',
    'empty_array',
    /^Invalid 'messages\[0\]\.content': empty array/,
  ],
  [
    [{ role: 'user', content: ['x'] }],
    'messages[0].content[0]',
    'invalid_type',
    /expected an object, but got a string/,
  ],
  [
    [{ role: 'user', content: [{ type: 'input_text', text: 'x' }] }],
    'messages[0].content[0].type',
    'invalid_value',
    "Invalid value: 'input_text'. Supported values are: 'text', 'image_url', 'input_audio', and 'file'.",
  ],
  [
    [{ role: 'system', content: [IMAGE] }],
    'messages[0].content[0].type',
    'invalid_value',
    /^Invalid value: 'image_url'/,
  ],
  [
    [{ role: 'user', content: [{ type: 'image_url', image_url: 'https://example.com/a.png' }] }],
    'messages[0].content[0].image_url',
    'invalid_type',
    "Invalid type for 'messages[0].content[0].image_url': expected an object, but got a string instead.",
  ],
  [
    [{ ...USER, tool_calls: [] }],
    'messages[0].tool_calls',
    'unknown_parameter',
    "Unknown parameter: 'messages[0].tool_calls'.",
  ],
  [
    [USER, { role: 'assistant', content: 'x', reasoning_content: 'y' }],
    'messages[1].reasoning_content',
    'unknown_parameter',
    "Unknown parameter: 'messages[1].reasoning_content'.",
  ],
  [[USER, { ...ASKING, tool_calls: [] }], 'messages[1].tool_calls', 'empty_array', /empty array/],
  [[USER, { role: 'tool', content: 'x' }], 'messages[1].tool_call_id', 'missing_required_parameter', /tool_call_id/],
  [[USER, RESULT], 'messages.[1].role', null, /^Invalid parameter: messages with role 'tool' must be a response/],
  [[USER, ASKING, USER], 'messages', null, /tool_call_ids did not have response messages: call_1$/],
  [[USER, ASKING], 'messages', null, /tool_call_ids did not have response messages: call_1$/],
])('refuses the messages %j', async (messages, param, code, message) => {
  const response = await post('/chat/completions', { model: 'gpt-4o', messages })
  expect(response.status).toBe(400)
  const error = { type: 'invalid_request_error', param, code, message: expect.stringMatching(message) }
  expect(await response.json()).toEqual({ error: typeof message === 'string' ? { ...error, message } : error })
})

it.each([
  [{ temprature: 1 }, null, null, 'Unrecognized request argument supplied: temprature'],
  [
    { temperature: 'hot' },
    'temperature',
    'invalid_type',
    "Invalid type for 'temperature': expected a decimal, but got a string instead.",
  ],
  [
    { temperature: 3 },
    'temperature',
    'decimal_above_max_value',
    "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.",
  ],
  [
    { top_p: -1 },
    'top_p',
    'decimal_below_min_value',
    "Invalid 'top_p': decimal below minimum value. Expected a value >= 0, but got -1 instead.",
  ],
  [
    { stream: 'yes' },
    'stream',
    'invalid_type',
    "Invalid type for 'stream': expected a boolean, but got a string instead.",
  ],
  [
    { n: 0 },
    'n',
    'integer_below_min_value',
    "Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead.",
  ],
  [
    { n: 129 },
    'n',
    'integer_above_max_value',
    "Invalid 'n': integer above maximum value. Expected a value <= 128, but got 129 instead.",
  ],
  [{ n: 1.5 }, 'n', 'invalid_type', "Invalid type for 'n': expected an integer, but got a decimal number instead."],
  [
    { tools: [] },
    'tools',
    'empty_array',
    "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.",
  ],
  [
    { tool_choice: 'auto' },
    'tool_choice',
    null,
    "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
  ],
  [
    { stream: true, stream_options: { usage: true } },
    'stream_options.usage',
    'unknown_parameter',
    "Unknown parameter: 'stream_options.usage'.",
  ],
])('refuses %j', async (parameters, param, code, message) => {
  const response = await post('/chat/completions', { model: 'gpt-4o', messages: [USER], ...parameters })
  expect(response.status).toBe(400)
  expect(await response.json()).toEqual({ error: { type: 'invalid_request_error', param, code, message } })
})

it.each([
  [
    '/completions',
    { model: 'babbage-002', prompt: 'x', messages: [] },
    /^Unrecognized request argument supplied: messages/,
  ],
  ['/embeddings', { model: 'text-embedding-3-small', input: 'x', encoding_format: 'int8' }, /encoding_format/],
  ['/responses', { model: 'gpt-5', input: 'x', max_tokens: 7 }, /max_tokens/],
  ['/responses', { model: 'gpt-5', input: 7 }, /input/],
])('is as strict at %s with %j', async (path, body, message) => {
  const response = await post(path, body)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: { message: expect.stringMatching(message) } })
})

function post(path: string, body: unknown): Promise<Response> {
  return fetch(simulator.openaiBaseUrl + path, {
    method: 'POST',
    headers: { authorization: 'Bearer sk-test', 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}
