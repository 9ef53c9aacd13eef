import type { ProviderId } from '@sluice/contracts'
import { describe, expect, it } from 'vitest'
import { chunkFrame } from '../test/fixtures/aws-bedrock/frames.ts'
import { cut, pass } from '../test/fixtures/wire/pieces.ts'
import { providerAdapter } from './adapters.ts'
import type { RequestInspection } from './provider-adapter.ts'

/**
 * Responses that report input which the request did not hold, though the request does not say so, and those that do
 * not.
 */
const CHAT = '/v1/chat/completions'
const RESPONSES = '/v1/responses'
const MESSAGES = '/v1/messages'
const INVOKE = '/model/anthropic.claude-sonnet-4-5/invoke'
const STREAMED_INVOKE = `${INVOKE}-with-response-stream`
const GENERATE = '/v1beta/models/gemini-2.5-flash:generateContent'

const counts = { input_tokens: 812, output_tokens: 20 }
const plain = { type: 'message', ...counts }
const message = (usage: object, more: object = {}) => ({
  id: 'msg_1',
  type: 'message',
  content: [{ type: 'text', text: 'Yes.' }],
  usage: { ...counts, ...usage },
  ...more,
})
const chat = (usage: object, more: object = {}) => ({
  choices: [{ index: 0, message: { role: 'assistant', content: 'Yes.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 812, completion_tokens: 20, ...usage },
  ...more,
})
const response = (more: object) => ({
  object: 'response',
  output: [],
  usage: { ...counts, total_tokens: 832 },
  ...more,
})
const generated = (usage: object) => ({
  candidates: [{ content: { parts: [{ text: 'Yes.' }] } }],
  usageMetadata: { promptTokenCount: 12, candidatesTokenCount: 20, totalTokenCount: 832, ...usage },
})
const messageEvents = (usage: object, more: object = {}) => [
  { type: 'message_start', message: message({ output_tokens: 1, server_tool_use: { web_search_requests: 0 } }) },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Yes.' } },
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { ...counts, ...usage }, ...more },
  { type: 'message_stop' },
]
const chatEvents = (last: object) => [{ choices: [{ index: 0, delta: { content: 'Yes.' } }] }, last]

const COMPACTED = [{ ...plain, type: 'compaction', input_tokens: 48_000 }, plain]
const ADVISED = [plain, { ...plain, type: 'advisor_message', model: 'claude-opus-5' }]
const TWO_MODELS = [
  { model: 'a', usage: {} },
  { model: 'b', usage: {} },
]

type Case = readonly [name: string, provider: ProviderId, path: string, body: object | readonly object[]]

const ADDED: readonly Case[] = [
  ['Anthropic searched', 'anthropic', MESSAGES, message({ server_tool_use: { web_search_requests: 2 } })],
  ['Anthropic fetched, streamed', 'anthropic', MESSAGES, messageEvents({ server_tool_use: { web_fetch_requests: 1 } })],
  ['Anthropic compacted', 'anthropic', MESSAGES, message({ iterations: COMPACTED })],
  ['Anthropic compacted, streamed', 'anthropic', MESSAGES, messageEvents({ iterations: COMPACTED })],
  ['Anthropic called an advisor', 'anthropic', MESSAGES, message({ iterations: ADVISED })],
  ['Anthropic fell back', 'anthropic', MESSAGES, message({ iterations: [{ ...plain, type: 'fallback_message' }] })],
  ['Anthropic took several turns', 'anthropic', MESSAGES, message({ iterations: [plain, plain] })],
  [
    'Anthropic cleared tool results',
    'anthropic',
    MESSAGES,
    message(
      {},
      { context_management: { applied_edits: [{ type: 'clear_tool_uses_20250919', cleared_tool_uses: 3 }] } },
    ),
  ],
  [
    'Anthropic cleared thinking, streamed',
    'anthropic',
    MESSAGES,
    messageEvents({}, { context_management: { applied_edits: [{ type: 'clear_thinking_20251015' }] } }),
  ],
  [
    'a server began the message again',
    'anthropic',
    MESSAGES,
    [{ type: 'message_start', message: { ...message({}), id: 'msg_0' } }, ...messageEvents({})],
  ],
  ['Claude on Bedrock compacted', 'aws-bedrock', INVOKE, message({ iterations: COMPACTED })],
  [
    'Claude on Bedrock cleared tool results',
    'aws-bedrock',
    INVOKE,
    message({}, { context_management: { applied_edits: [{ type: 'clear_tool_uses_20250919' }] } }),
  ],
  ['Claude on Bedrock compacted, streamed', 'aws-bedrock', STREAMED_INVOKE, messageEvents({ iterations: COMPACTED })],
  ["Google's tools", 'google', GENERATE, generated({ toolUsePromptTokenCount: 800 })],
  [
    "Google's tools, streamed",
    'google',
    GENERATE.replace('generate', 'streamGenerate'),
    [generated({ toolUsePromptTokenCount: 800 }), generated({})],
  ],
  ['OpenAI searched', 'openai', RESPONSES, response({ tool_usage: { web_search: { num_requests: 1 } } })],
  [
    'OpenAI searched, streamed',
    'openai',
    RESPONSES,
    [{ type: 'response.completed', response: response({ tool_usage: { web_search: { num_requests: 1 } } }) }],
  ],
  ['OpenRouter', 'openai', CHAT, chat({ server_tool_use_details: { web_search_requests: 1 } })],
  ['OpenRouter, streamed', 'openai', CHAT, chatEvents(chat({ server_tool_use: { web_search_requests: 1 } }))],
  ['xAI', 'openai', CHAT, chat({ num_sources_used: 4 })],
  ["xAI's tools", 'openai', RESPONSES, response({ usage: { ...counts, num_server_side_tools_used: 2 } })],
  ['Perplexity', 'openai', CHAT, chat({ num_search_queries: 1 })],
  ["Mistral's connectors", 'openai', CHAT, chat({ connector_tokens: 310 })],
  ['Groq', 'groq', `/openai${CHAT}`, chat({}, { usage_breakdown: { models: TWO_MODELS } })],
  [
    'Groq, streamed',
    'groq',
    `/openai${CHAT}`,
    chatEvents({ choices: [], x_groq: { ...chat({}), usage_breakdown: { models: TWO_MODELS } } }),
  ],
  [
    'several models in turn, beside the usage of the stream itself',
    'openai',
    CHAT,
    chatEvents({ ...chat({}), choices: [], usage_breakdown: { models: [{ model: 'a' }, { model: 'b' }] } }),
  ],
]

const NOTHING_ADDED: readonly Case[] = [
  ['no tool ran', 'anthropic', MESSAGES, message({ server_tool_use: { web_search_requests: 0 } })],
  ['null', 'anthropic', MESSAGES, message({ server_tool_use: null, iterations: null }, { context_management: null })],
  ['one iteration', 'anthropic', MESSAGES, message({ iterations: [plain] })],
  ['nothing edited', 'anthropic', MESSAGES, message({}, { context_management: { applied_edits: [] } })],
  ['streamed', 'anthropic', MESSAGES, messageEvents({ iterations: [plain] })],
  ['Bedrock', 'aws-bedrock', INVOKE, message({ iterations: [plain] })],
  ['Google', 'google', GENERATE, generated({ toolUsePromptTokenCount: 0 })],
  ['OpenAI', 'openai', RESPONSES, response({ tool_usage: { web_search: { num_requests: 0 } } })],
  ['OpenAI, chat', 'openai', CHAT, chat({})],
  ['xAI', 'openai', CHAT, chat({ num_sources_used: 0, server_side_tool_usage_details: { web_search_calls: 0 } })],
  ['Groq', 'groq', `/openai${CHAT}`, chat({}, { usage_breakdown: { models: null } })],
  ['Groq, null', 'groq', `/openai${CHAT}`, chat({}, { usage_breakdown: null })],
]

describe('a response reports input that its request did not hold', () => {
  it.each(ADDED)('%s', (_, ...given) => {
    expect(read(...given)).toEqual({ providerAddedInput: true, hasUsage: true })
  })
})

describe('a response reports no other input than that of its request', () => {
  it.each(NOTHING_ADDED)('%s', (_, ...given) => {
    expect(read(...given)).toEqual({ providerAddedInput: false, hasUsage: true })
  })
})

it('a response that began in the background reports it too', () => {
  const body = response({ id: 'resp_1', tool_usage: { web_search: { num_requests: 1 } } })
  const reader = readerFor('openai', RESPONSES, { ...REQUEST, inBackground: true })
  pass(reader, cut(bytesOf(RESPONSES, [{ type: 'response.completed', response: body }]), [31]))
  expect(reader.providerAddedInput).toBe(true)
  expect(reader.background?.id).toBe('resp_1')
})

it('added input alone is not usage', () => {
  const body = {
    object: 'response',
    tools: [{ usage: {} }, { usage: {} }],
    tool_usage: { web_search: { num_requests: 1 } },
  }
  expect(read('openai', RESPONSES, body).hasUsage).toBe(false)
})

it('added input is not part of the usage', () => {
  const reader = readerFor('anthropic', MESSAGES)
  pass(reader, [Buffer.from(JSON.stringify(message({ server_tool_use: { web_search_requests: 2 } })))])
  expect(Object.keys(reader.usage ?? {}).sort()).toEqual([
    'cachedInputTokens',
    'inputTokens',
    'outputTokens',
    'reasoningTokens',
  ])
})

function read(provider: ProviderId, path: string, body: object | readonly object[]) {
  const reader = readerFor(provider, path)
  pass(reader, cut(bytesOf(path, body), [31, 400]))
  return { providerAddedInput: reader.providerAddedInput, hasUsage: reader.usage !== undefined }
}

function bytesOf(path: string, body: object | readonly object[]): Buffer {
  if (!Array.isArray(body)) return Buffer.from(JSON.stringify(body))
  if (path === STREAMED_INVOKE) return Buffer.concat(body.map((event) => chunkFrame(event)))
  return Buffer.from(body.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''))
}

function readerFor(provider: ProviderId, path: string, request = REQUEST) {
  const adapter = providerAdapter(provider)
  const operation = adapter.operation('POST', path) ?? expect.fail(`no operation ${path}`)
  return adapter.responseReader(operation, request)
}

const REQUEST: RequestInspection = {
  model: 'm',
  streamed: false,
  promptBytes: 100,
  mediaParts: 0,
  outputs: 1,
  addsUsage: false,
}
