import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type ProviderSimulator, startProviderSimulator } from '../src/provider-simulator.ts'

const REQUEST = { model: 'gpt-5-mini', messages: [{ role: 'user' as const, content: 'Hello!' }] }
const FORMAT = {
  type: 'json_schema' as const,
  json_schema: { name: 'place', schema: { type: 'object', properties: { city: { type: 'string' } } } },
}
const TOOL = { type: 'function' as const, function: { name: 'get_weather' } }

let simulator: ProviderSimulator
let client: OpenAI

beforeAll(async () => {
  simulator = await startProviderSimulator({ accounts: [{ apiKey: 'sk-test' }] })
  client = new OpenAI({ apiKey: 'sk-test', baseURL: simulator.openaiBaseUrl, maxRetries: 0 })
})
beforeEach(() => simulator.controls.clear())
afterAll(() => simulator.stop())

it('responds with JSON that fits a schema, whole and streamed', async () => {
  const asking = { ...REQUEST, response_format: FORMAT }
  const whole = await client.chat.completions.parse(asking)
  expect(whole.choices[0]?.message.parsed).toEqual({ city: 'simulated' })
  expect(whole.usage?.completion_tokens).toBe(5)
  const streamed = await client.chat.completions.stream(asking).finalChatCompletion()
  expect(streamed.choices[0]?.message).toMatchObject({ content: whole.choices[0]?.message.content })
})

it('responds with JSON that fits a schema over the Responses API, whole and streamed', async () => {
  const { name, schema } = FORMAT.json_schema
  const format = { type: 'json_schema' as const, name, schema }
  const asking = { model: REQUEST.model, input: 'Hello!', text: { format } }
  const whole = await client.responses.parse(asking)
  expect(whole).toMatchObject({ output_parsed: { city: 'simulated' }, usage: { output_tokens: 5 } })
  const streamed = await client.responses.stream(asking).finalResponse()
  expect(streamed.output_text).toBe(whole.output_text)
})

it('responds with an object in JSON mode', async () => {
  const { choices } = await client.chat.completions.create({ ...REQUEST, response_format: { type: 'json_object' } })
  expect(choices[0]?.message.content).toBe('{}')
})

it('cuts JSON off at the maximum', async () => {
  const { choices } = await client.chat.completions.create({
    ...REQUEST,
    response_format: FORMAT,
    max_completion_tokens: 2,
  })
  expect(choices[0]).toMatchObject({ finish_reason: 'length', message: { content: '{"city":' } })
})

it('counts what it reasons, and does not show it', async () => {
  const { usage, choices } = await client.chat.completions.create({ ...REQUEST, reasoning_effort: 'low' })
  expect(usage).toMatchObject({ completion_tokens: 8 + 16, completion_tokens_details: { reasoning_tokens: 8 } })
  expect(choices[0]?.message.content).toMatch(/^This answer/)
})

it.each([
  ['auto', 'tool_calls'],
  ['none', 'stop'],
] as const)('calls tools when a control says so: the choice %s ends with %s', async (choice, finish) => {
  simulator.controls.add({ callTools: true })
  const { choices } = await client.chat.completions.create({ ...REQUEST, tools: [TOOL], tool_choice: choice })
  expect(choices[0]?.finish_reason).toBe(finish)
})

it('refuses a format without its schema, and effort of a model that does not reason', async () => {
  const bare = { ...REQUEST, response_format: { type: 'json_schema' } } as unknown as typeof REQUEST
  await expect(client.chat.completions.create(bare)).rejects.toThrow(/^400 Invalid value for 'response_format/)
  await expect(
    client.chat.completions.create({ ...REQUEST, model: 'gpt-4o', reasoning_effort: 'low' }),
  ).rejects.toThrow(/^400 Unrecognized request argument supplied: reasoning_effort/)
})

it('ends a stream at a rate limit with the error of one', async () => {
  simulator.controls.add({ fault: { kind: 'error-mid-stream', afterChunks: 2, status: 429 } })
  const reading = Array.fromAsync(await client.chat.completions.create({ ...REQUEST, stream: true }))
  await expect(reading).rejects.toMatchObject({ type: 'requests', code: 'rate_limit_exceeded' })
})
