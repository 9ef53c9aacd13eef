import Anthropic from '@anthropic-ai/sdk'
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type ProviderSimulator, startProviderSimulator } from '../src/provider-simulator.ts'

const REQUEST = { model: 'claude-sonnet-4-6', max_tokens: 100 }
const HELLO = { role: 'user' as const, content: 'Hello!' }
const BETAS: Anthropic.Beta.AnthropicBeta[] = ['message-threads-2026-08-12']

let simulator: ProviderSimulator
let client: Anthropic

beforeAll(async () => {
  simulator = await startProviderSimulator({
    provider: 'anthropic',
    accounts: [{ apiKey: 'sk-test' }],
    recordContent: true,
  })
  client = new Anthropic({ apiKey: 'sk-test', baseURL: simulator.url, maxRetries: 0 })
})
beforeEach(() => simulator.controls.clear())
afterAll(() => simulator.stop())

it.each([false, true])("runs the SDK's tools, which bring the new messages alone (streamed: %s)", async (stream) => {
  simulator.controls.add({ times: 1, callTools: true })
  const inputSchema = { type: 'object', properties: { city: { type: 'string' } } } as const
  const tool = betaTool({ name: 'get_weather', description: 'Returns it.', inputSchema, run: () => 'rain' })
  const runner = client.beta.messages.toolRunner({ ...REQUEST, messages: [HELLO], tools: [tool], stream })
  const { content } = await runner.runUntilDone()
  expect(content[0]).toMatchObject({ type: 'text', text: expect.stringMatching(/^This answer/) })
  const [first, second] = simulator.requests
    .list()
    .slice(-2)
    .map(({ content }) => JSON.parse(content?.body ?? ''))
  expect(first.messages).toHaveLength(1)
  expect(second).toMatchObject({ messages: [{ role: 'user', content: [{ type: 'tool_result' }] }] })
  expect(second).not.toHaveProperty('tools')
})

it('counts the whole conversation as input', async () => {
  const thread = client.beta.messages.thread(REQUEST)
  const first = await thread.send(HELLO)
  const second = await thread.send({ role: 'user', content: 'Hello again!' })
  expect(second.usage.input_tokens).toBeGreaterThan(first.usage.input_tokens + first.usage.output_tokens)
})

it('does not find an unknown conversation, and keeps none without the beta', async () => {
  const thread = { type: 'continue' as const, previous_message_id: 'msg_unknown' }
  const asking = { ...REQUEST, messages: [HELLO], thread }
  await expect(client.beta.messages.create({ ...asking, betas: BETAS })).rejects.toThrow(/msg_unknown not found/)
  await expect(client.beta.messages.create(asking)).rejects.toThrow(/thread: Extra inputs are not permitted/)
})
