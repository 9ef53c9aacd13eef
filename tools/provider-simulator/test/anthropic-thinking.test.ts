import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type ProviderSimulator, startProviderSimulator } from '../src/provider-simulator.ts'

const REQUEST = {
  model: 'claude-haiku-4-5',
  max_tokens: 2000,
  messages: [{ role: 'user' as const, content: 'Hello!' }],
}
const THINKING = { ...REQUEST, thinking: { type: 'enabled' as const, budget_tokens: 1024 } }
const TOOLS = [{ name: 'get_weather', input_schema: { type: 'object' as const } }]
const FORMAT = {
  type: 'json_schema' as const,
  schema: { type: 'object', properties: { city: { type: 'string' } }, additionalProperties: false },
}

let simulator: ProviderSimulator
let client: Anthropic

beforeAll(async () => {
  simulator = await startProviderSimulator({ provider: 'anthropic', accounts: [{ apiKey: 'sk-ant-test' }] })
  client = new Anthropic({ apiKey: 'sk-ant-test', baseURL: simulator.url, maxRetries: 0 })
})
beforeEach(() => simulator.controls.clear())
afterAll(() => simulator.stop())

it('responds with JSON that fits a schema, whole and streamed', async () => {
  const asking = { ...REQUEST, output_config: { format: FORMAT } }
  const whole = await client.messages.create(asking)
  const streamed = await client.messages.stream(asking).finalMessage()
  for (const { content, usage } of [whole, streamed]) {
    expect(content).toEqual([{ type: 'text', text: '{"city":"simulated"}' }])
    expect(usage.output_tokens).toBe(5)
  }
})

it('thinks first, whole and streamed, and counts the thought', async () => {
  const whole = await client.messages.create(THINKING)
  expect(whole.content).toEqual([
    { type: 'thinking', thinking: expect.stringMatching(/^A simulated/), signature: expect.stringMatching(/./) },
    { type: 'text', text: expect.stringMatching(/^This answer/) },
  ])
  expect(whole.usage.output_tokens).toBe(8 + 16)
  expect(await client.messages.stream(THINKING).finalMessage()).toMatchObject({ content: whole.content })
})

it('signs thinking that it does not show', async () => {
  const thinking = { type: 'adaptive' as const, display: 'omitted' as const }
  const { content } = await client.messages.create({ ...REQUEST, model: 'claude-opus-4-7', thinking })
  expect(content[0]).toEqual({ type: 'thinking', thinking: '', signature: expect.stringMatching(/./) })
})

it('continues after a tool result only with the signed thinking that led to it', async () => {
  simulator.controls.add({ times: 1, callTools: true })
  const asking = { ...THINKING, tools: TOOLS }
  const { content } = await client.messages.create(asking)
  const [thought, use] = content
  if (thought?.type !== 'thinking' || use?.type !== 'tool_use') throw new Error('no thought and no tool use')
  const result = { type: 'tool_result' as const, tool_use_id: use.id, content: '9 °C' }
  const goOn = (blocks: Anthropic.ContentBlockParam[]) =>
    client.messages.create({
      ...asking,
      messages: [...REQUEST.messages, { role: 'assistant', content: blocks }, { role: 'user', content: [result] }],
    })
  expect(await goOn([thought, use])).toMatchObject({ stop_reason: 'end_turn' })
  await expect(goOn([use])).rejects.toThrow(/^400 .*messages\.1\.content\.0\.type: Expected `thinking`/)
  await expect(goOn([{ ...thought, signature: 'other' }, use])).rejects.toThrow(
    /^400 .*messages\.1\.content\.0: Invalid `signature`/,
  )
  await expect(goOn([{ ...thought, thinking: 'Other.' }, use])).rejects.toThrow(/Invalid `signature`/)
})

it.each([
  ['a small budget', { thinking: { type: 'enabled', budget_tokens: 1000 } }, 'greater than or equal to 1024'],
  [
    'a budget beyond the maximum',
    { thinking: { type: 'enabled', budget_tokens: 2000 } },
    '`max_tokens` must be greater',
  ],
  ['no budget', { thinking: { type: 'enabled' } }, 'thinking.enabled.budget_tokens: Field required'],
  ['an unknown type', { thinking: { type: 'deep' } }, "Input tag 'deep'"],
  ['adaptive thinking of an older model', { thinking: { type: 'adaptive' } }, 'adaptive thinking is not supported'],
  ['a budget of a newer model', { ...THINKING, model: 'claude-opus-4-7' }, '"thinking.type.enabled" is not supported'],
  ['a forced tool', { ...THINKING, tools: TOOLS, tool_choice: { type: 'any' } }, 'Thinking may not be enabled'],
  ['a temperature', { ...THINKING, temperature: 0.5 }, '`temperature` may only be set to 1'],
  ['a format without a schema', { output_config: { format: { type: 'json_schema' } } }, 'schema: Field required'],
])('refuses %s', async (_, change, message) => {
  const response = await fetch(`${simulator.url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': 'sk-ant-test', 'anthropic-version': '2023-06-01', 'content-type': 'application/json' },
    body: JSON.stringify({ ...REQUEST, ...change }),
  })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: { message: expect.stringContaining(message) } })
})
