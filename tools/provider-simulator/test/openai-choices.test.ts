import OpenAI from 'openai'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ProviderSimulator, startProviderSimulator } from '../src/provider-simulator.ts'

const CHAT = { model: 'gpt-4o', messages: [{ role: 'user' as const, content: 'Hello!' }] }
const ASKING = { stream: true as const, stream_options: { include_usage: true } }

let simulator: ProviderSimulator
let client: OpenAI

beforeAll(async () => {
  const limits = { tokens: { limit: 100_000, period: 'minute' as const } }
  simulator = await startProviderSimulator({ accounts: [{ apiKey: 'sk-test', limits }] })
  client = new OpenAI({ apiKey: 'sk-test', baseURL: simulator.openaiBaseUrl, maxRetries: 0 })
})
afterAll(() => simulator.stop())

it('responds with the requested number of choices, whole and streamed, and counts all of them', async () => {
  const { data: whole, response } = await client.chat.completions.create({ ...CHAT, n: 3 }).withResponse()
  expect(whole.choices.map(({ index }) => index)).toEqual([0, 1, 2])
  expect(whole.usage).toMatchObject({ prompt_tokens: 2, completion_tokens: 48, total_tokens: 50 })
  expect(response.headers.get('x-ratelimit-remaining-tokens')).toBe('99950')

  const chunks = await Array.fromAsync(await client.chat.completions.create({ ...CHAT, ...ASKING, n: 3 }))
  const said = chunks.flatMap(({ choices }) => choices)
  for (const choice of whole.choices) {
    const own = said.filter(({ index }) => index === choice.index)
    expect(own.map(({ delta }) => delta.content ?? '').join('')).toBe(choice.message.content)
    expect(own[0]?.delta.role).toBe('assistant')
    expect(own.at(-1)?.finish_reason).toBe('stop')
  }
  expect(said.slice(0, 4).map(({ index }) => index)).toEqual([0, 1, 2, 0])
  expect(chunks.at(-1)?.usage).toMatchObject({ completion_tokens: 48 })
})

it('calls a tool in each choice, by an id of its own', async () => {
  const tools = [{ type: 'function' as const, function: { name: 'get_level' } }]
  const demanding = { ...CHAT, tools, tool_choice: 'required' as const, n: 2 }
  const whole = await client.chat.completions.create(demanding)
  const streamed = await client.chat.completions.stream(demanding).finalChatCompletion()
  for (const { choices } of [whole, streamed]) {
    const calls = choices.flatMap(({ message }) => message.tool_calls ?? [])
    expect(calls).toHaveLength(2)
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2)
  }
})

it('completes a legacy prompt as often as requested', async () => {
  const request = { model: 'babbage-002', prompt: 'Hello!', max_tokens: 4, n: 2 }
  const whole = await client.completions.create(request)
  expect(whole.choices.map(({ index, text }) => [index, text])).toEqual([
    [0, 'This answer comes from'],
    [1, 'This answer comes from'],
  ])
  expect(whole.usage?.completion_tokens).toBe(8)
  const chunks = await Array.fromAsync(await client.completions.create({ ...request, ...ASKING }))
  const texts = [0, 1].map((choice) =>
    chunks.flatMap(({ choices }) => choices.filter(({ index }) => index === choice).map(({ text }) => text)).join(''),
  )
  expect(texts).toEqual(whole.choices.map(({ text }) => text))
  expect(chunks.at(-1)?.usage).toEqual(whole.usage)
})
