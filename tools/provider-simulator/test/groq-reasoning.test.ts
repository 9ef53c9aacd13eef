import Groq from 'groq-sdk'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type ProviderSimulator, startProviderSimulator } from '../src/provider-simulator.ts'

const REQUEST = { model: 'openai/gpt-oss-20b', messages: [{ role: 'user' as const, content: 'Hello!' }] }
const QWEN = { ...REQUEST, model: 'qwen/qwen3-32b', reasoning_effort: 'default' as const }
const FORMAT = {
  type: 'json_schema' as const,
  json_schema: { name: 'place', schema: { type: 'object', properties: { city: { type: 'string' } } } },
}

let simulator: ProviderSimulator
let client: Groq

beforeAll(async () => {
  simulator = await startProviderSimulator({ provider: 'groq', accounts: [{ apiKey: 'gsk_test' }] })
  client = new Groq({ apiKey: 'gsk_test', baseURL: simulator.url, maxRetries: 0 })
})
beforeEach(() => simulator.controls.clear())
afterAll(() => simulator.stop())

it('responds with JSON that fits a schema', async () => {
  const { choices, usage } = await client.chat.completions.create({ ...REQUEST, response_format: FORMAT })
  expect(choices[0]?.message.content).toBe('{"city":"simulated"}')
  expect(usage?.completion_tokens).toBe(5)
})

it('shows its reasoning, whole and streamed, and counts it', async () => {
  const asking = { ...REQUEST, reasoning_effort: 'low' as const }
  const { choices, usage } = await client.chat.completions.create(asking)
  expect(choices[0]?.message.reasoning).toMatch(/^A simulated/)
  expect(usage).toMatchObject({ completion_tokens: 8 + 16, completion_tokens_details: { reasoning_tokens: 8 } })
  const chunks = await Array.fromAsync(await client.chat.completions.create({ ...asking, stream: true }))
  const reasoning = chunks.map((chunk) => chunk.choices[0]?.delta.reasoning ?? '').join('')
  expect(reasoning).toBe(choices[0]?.message.reasoning)
})

it.each([
  ['parsed', true],
  ['hidden', false],
] as const)('shows reasoning in the format %s: %s', async (format, shown) => {
  const { choices, usage } = await client.chat.completions.create({ ...QWEN, reasoning_format: format })
  expect('reasoning' in (choices[0]?.message ?? {})).toBe(shown)
  expect(usage?.completion_tokens).toBe(8 + 16)
})

it('does not reason where that is turned off', async () => {
  const { usage } = await client.chat.completions.create({ ...QWEN, reasoning_effort: 'none' })
  expect(usage?.completion_tokens).toBe(16)
})

it.each([
  ['of a model that does not reason', { model: 'llama-3.1-8b-instant', reasoning_effort: 'low' }, /not supported with/],
  [
    'of an effort that the model does not have',
    { ...QWEN, reasoning_effort: 'low' },
    /must be one of `none`, `default`/,
  ],
] as const)('refuses reasoning %s', async (_, change, message) => {
  await expect(client.chat.completions.create({ ...REQUEST, ...change })).rejects.toThrow(message)
})

it('ends a stream at a rate limit with the error of one', async () => {
  simulator.controls.add({ fault: { kind: 'error-mid-stream', afterChunks: 2, status: 429 } })
  const reading = Array.fromAsync(await client.chat.completions.create({ ...REQUEST, stream: true }))
  await expect(reading).rejects.toMatchObject({ error: { code: 'rate_limit_exceeded' } })
})
