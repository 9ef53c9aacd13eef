import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ProviderSimulator, startProviderSimulator } from '../src/provider-simulator.ts'

const KEY = 'AIza-test'
const CONTENTS = [{ role: 'user', parts: [{ text: 'Hello!' }] }]

let simulator: ProviderSimulator

beforeAll(async () => {
  simulator = await startProviderSimulator({ provider: 'google', accounts: [{ apiKey: KEY }] })
})
afterAll(() => simulator.stop())

const functionCall = { functionCall: { name: 'get_weather', args: {} } }
it.each([
  ['no contents', {}, 'contents is not specified'],
  ['no parts', { contents: [{ role: 'user', parts: [] }] }, 'contents.parts must not be empty'],
  ['a role of others', { contents: [{ role: 'assistant', parts: [{ text: 'x' }] }] }, 'Please use a valid role'],
  ['a field of others', { contents: CONTENTS, messages: [] }, 'Unknown name "messages": Cannot find field.'],
  [
    'a setting of others',
    { contents: CONTENTS, generationConfig: { max_tokens: 5 } },
    `Unknown name "maxTokens" at 'generation_config': Cannot find field.`,
  ],
  ['a temperature out of range', { contents: CONTENTS, generationConfig: { temperature: 3 } }, 'must be <= 2'],
  ['several candidates', { contents: CONTENTS, generationConfig: { candidateCount: 2 } }, 'must be <= 1'],
  [
    'a function call without its response',
    { contents: [{ role: 'model', parts: [functionCall] }, ...CONTENTS] },
    'the number of function response parts is equal',
  ],
  [
    'a response without its function call',
    { contents: [{ role: 'user', parts: [{ functionResponse: { name: 'x', response: {} } }] }] },
    'comes immediately after a function call turn',
  ],
])('refuses %s', async (_, body, message) => {
  const response = await post('models/gemini-2.5-flash:generateContent', body)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({
    error: { code: 400, status: 'INVALID_ARGUMENT', message: expect.stringContaining(message) },
  })
})

it('joins consecutive contents of one role into one turn', async () => {
  const functionResponse = { functionResponse: { name: 'get_weather', response: {} } }
  const chunks = [functionCall, { text: '' }].map((part) => ({ role: 'model', parts: [part] }))
  const contents = [...CONTENTS, ...chunks, { role: 'user', parts: [functionResponse] }]
  expect((await post('models/gemini-2.5-flash:generateContent', { contents })).status).toBe(200)
})

it.each([
  ['models/gemini-0:generateContent', 'models/gemini-0 is not found for API version v1beta'],
  ['models/gemini-2.5-flash:embedContent', 'is not supported for embedContent'],
  ['models/gemini-2.5-flash:imagine', 'was not found'],
  ['nothing', 'was not found'],
])('does not find %s', async (path, message) => {
  const response = await post(path, { contents: CONTENTS })
  expect(response.status).toBe(404)
  expect(await response.json()).toMatchObject({
    error: { status: 'NOT_FOUND', message: expect.stringContaining(message) },
  })
})

function post(path: string, body: unknown): Promise<Response> {
  return fetch(`${simulator.url}/v1beta/${path}`, {
    method: 'POST',
    headers: { 'x-goog-api-key': KEY, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}
