import type { ProviderId } from '@sluice/contracts'
import { describe, expect, it } from 'vitest'
import { providerAdapter } from '../adapters.ts'
import { inspectPrompt } from './inspect-prompt.ts'

const TOOL = { name: 'get_weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } }
const bodyWith = (more: object) => ({ messages: [{ role: 'user', content: 'Hi' }], tools: [TOOL], ...more })
const toolTokens = (model: string, more: object = {}, provider: ProviderId = 'anthropic') =>
  inspectPrompt(bodyWith(more), model, provider).toolTokens ?? 0

describe("the prompt that comes with Claude's tools", () => {
  // Platform documentation, "Tool use with Claude", pricing.
  it.each([
    ['claude-opus-5', 286, 406],
    ['claude-opus-4-8', 290, 410],
    ['claude-opus-4-7', 675, 804],
    ['claude-opus-4-6', 497, 589],
    ['claude-sonnet-5', 354, 474],
    ['claude-sonnet-4-5-20250929', 497, 589],
    ['claude-haiku-4-5', 497, 589],
    ['claude-opus-4-1', 313, 315],
    ['claude-3-5-haiku-20241022', 264, 340],
    ['claude-sonnet-of-next-year', 354, 474],
  ])('is that of the model and the choice: %s', (model, auto, forced) => {
    const definition = toolTokens(model) - auto
    expect(definition).toBeGreaterThan(15)
    expect(definition).toBeLessThan(60)
    expect(toolTokens(model, { tool_choice: { type: 'any' } }) - forced).toBe(definition)
    expect(toolTokens(model, { tool_choice: { type: 'tool', name: 'get_weather' } }) - forced).toBe(definition)
    expect(toolTokens(model, { tool_choice: { type: 'none' } }) - auto).toBe(definition)
  })

  it.each([
    ['aws-bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'],
    ['openai', 'anthropic/claude-sonnet-4.5'],
    ['google', 'claude-sonnet-4-5@20250929'],
  ] as const)('is the same through %s', (provider, model) => {
    expect(toolTokens(model, {}, provider)).toBe(toolTokens('claude-sonnet-4-5'))
  })

  it('is there for tools of Converse', () => {
    const toolConfig = { tools: [{ toolSpec: TOOL }] }
    const auto = inspectPrompt({ messages: [], toolConfig }, 'anthropic.claude-sonnet-4-6', 'aws-bedrock')
    expect(auto.toolTokens).toBeGreaterThan(497)
    const forced = { ...toolConfig, toolChoice: { any: {} } }
    const { toolTokens = 0 } = inspectPrompt(
      { messages: [], toolConfig: forced },
      'anthropic.claude-sonnet-4-6',
      'aws-bedrock',
    )
    expect(toolTokens - (auto.toolTokens ?? 0)).toBeGreaterThan(80)
  })
})

it.each([
  ['no tools', {}],
  ['an empty list', { tools: [] }],
  ['an object as format', { response_format: { type: 'json_object' } }],
])('expects nothing for %s', (_, more) => {
  for (const model of ['claude-opus-5', 'gpt-5', 'nova-lite']) {
    expect(inspectPrompt({ messages: [], ...more }, model, 'openai')).not.toHaveProperty('toolTokens')
  }
})

it.each([
  ['Nova 2', 'us.amazon.nova-2-lite-v1:0', 'aws-bedrock', 800, 900],
  ['Nova', 'amazon.nova-pro-v1:0', 'aws-bedrock', 300, 380],
  ['Llama 4 on Groq', 'meta-llama/llama-4-scout-17b-16e-instruct', 'groq', 640, 700],
  ['OpenAI', 'gpt-4.1', 'openai', 15, 40],
  ['Google', 'gemini-2.5-flash', 'google', 4, 40],
] as const)("knows what %s adds to a tool's definition", (_, model, provider, least, most) => {
  expect(toolTokens(model, {}, provider)).toBeGreaterThan(least)
  expect(toolTokens(model, {}, provider)).toBeLessThan(most)
})

it('expects a frame for each message and each tool call', () => {
  const frame = (messages: readonly object[]) => inspectPrompt({ messages }, 'gpt-4.1', 'openai').frameTokens ?? 0
  const one = frame([{ role: 'user', content: 'Hi' }])
  const call = { role: 'tool', tool_call_id: 'c', content: 'x' }
  expect(one).toBe(7)
  expect(
    frame([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'x' },
    ]),
  ).toBe(one + 4)
  expect(frame([{ role: 'user', content: 'Hi' }, call])).toBe(one + 4 + 2 * 9)
})

describe('a request whose bytes are only a part of its prompt', () => {
  const messages = [{ role: 'user', content: 'Hi' }]
  const GENERATE = '/v1beta/models/gemini-2.5-pro:generateContent'
  const CONVERSE = '/model/amazon.nova-premier-v1:0/converse'

  it.each<[string, ProviderId, string, object]>([
    ['fetching', 'anthropic', '/v1/messages', { messages, tools: [{ type: 'web_fetch_20250910', name: 'web_fetch' }] }],
    ['MCP', 'openai', '/v1/responses', { input: 'Hi', tools: [{ type: 'mcp', server_label: 's' }] }],
    ['maps', 'google', GENERATE, { contents: [{ parts: [{ text: 'Hi' }] }], tools: [{ googleMaps: {} }] }],
    ['compound', 'groq', '/openai/v1/chat/completions', { model: 'groq/compound-mini', messages }],
    ['grounding', 'aws-bedrock', CONVERSE, { messages, toolConfig: { tools: [{ systemTool: { name: 'g' } }] } }],
  ])('says that the provider adds to it: %s, %s', (_, provider, path, body) => {
    expect(inspectionOf(provider, path, body)).toMatchObject({ providerAddsInput: true })
  })

  it.each<[ProviderId, string, object]>([
    ['anthropic', '/v1/messages', { messages, thread: { type: 'continue', previous_message_id: 'msg_1' } }],
    ['openai', '/v1/responses', { input: 'Hi', conversation: 'conv_1' }],
    ['google', GENERATE, { contents: [], cachedContent: 'cachedContents/2' }],
  ])('says that it goes on from what the provider keeps: %s', (provider, path, body) => {
    expect(inspectionOf(provider, path, body)).toMatchObject({ hasStoredPrompt: true })
  })

  function inspectionOf(provider: ProviderId, path: string, body: object) {
    const adapter = providerAdapter(provider)
    const operation = adapter.operation('POST', path) ?? expect.fail(`no operation ${path}`)
    return adapter.inspect(operation, body, JSON.stringify(body).length)
  }
})
