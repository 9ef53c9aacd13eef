import type { ProviderId } from '@sluice/contracts'
import { eventually } from '@sluice/testkit'
import { describe, expect, it } from 'vitest'
import { freshConnection } from './support/fresh-connection.ts'
import { startRawUpstream } from './support/raw-upstream.ts'
import { postJson } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'

/** Requests whose input the provider adds to, or takes some out of, as they or their responses say: what is reserved for the next plain prompt. */
const LIMIT = 1_000_000
const TOO_MUCH = 2_000_000
const TEXT = 'The lock keeper opens the upper gate at dawn and closes it again at dusk. '.repeat(55)
const MESSAGES = [{ role: 'user', content: TEXT }]
const PLAIN_TOKENS = 1_000

const path = startBeforeAll(startDataPath)
const upstream = startBeforeAll(startRawUpstream)

interface Wire {
  readonly provider: ProviderId
  readonly path: string
  readonly request: (maxTokens: number) => object
  readonly plain: object
}

const message = (usage: object, more: object = {}) => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  content: [{ type: 'text', text: 'Yes.' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: PLAIN_TOKENS, output_tokens: 5, ...usage },
  ...more,
})

const ANTHROPIC: Wire = {
  provider: 'anthropic',
  path: '/v1/messages',
  request: (max_tokens) => ({ model: 'claude-sonnet-4-6', max_tokens, messages: MESSAGES }),
  plain: message({}),
}
const GOOGLE: Wire = {
  provider: 'google',
  path: '/v1beta/models/gemini-2.5-flash:generateContent',
  request: (maxOutputTokens) => ({ contents: [{ parts: [{ text: TEXT }] }], generationConfig: { maxOutputTokens } }),
  plain: { usageMetadata: { promptTokenCount: PLAIN_TOKENS, candidatesTokenCount: 5 } },
}
const chatUsage = (prompt_tokens: number, more: object = {}) => ({ prompt_tokens, completion_tokens: 5, ...more })
const chatOf = (provider: 'openai' | 'groq', at: string): Wire => ({
  provider,
  path: at,
  request: (max_tokens) => ({ model: 'm', max_tokens, messages: MESSAGES }),
  plain: { choices: [], usage: chatUsage(PLAIN_TOKENS) },
})
const OPENAI = chatOf('openai', '/v1/chat/completions')
const GROQ = chatOf('groq', '/openai/v1/chat/completions')

const iteration = (type: string, input_tokens: number) => ({ type, input_tokens, output_tokens: 5 })
const COMPACTED = { input_tokens: 100, iterations: [iteration('compaction', 50_000), iteration('message', 100)] }
const EDITS = { context_management: { applied_edits: [{ type: 'clear_tool_uses_20250919' }] } }
const streamed = (usage: object): string =>
  [
    { type: 'message_start', message: message({ output_tokens: 1 }) },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 5, ...usage } },
    { type: 'message_stop' },
  ]
    .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
    .join('')

/** All of them are for the same prompt of some 1,000 tokens. */
const UNLIKE: readonly (readonly [name: string, wire: Wire, response: object | string])[] = [
  ['a search', ANTHROPIC, message({ input_tokens: 11_000, server_tool_use: { web_search_requests: 1 } })],
  ['a search, streamed', ANTHROPIC, streamed({ input_tokens: 11_000, server_tool_use: { web_search_requests: 1 } })],
  ['compaction', ANTHROPIC, message(COMPACTED)],
  ['compaction, streamed', ANTHROPIC, streamed(COMPACTED)],
  ['what was taken out of the context', ANTHROPIC, message({ input_tokens: 90 }, EDITS)],
  [
    "Google's tools",
    GOOGLE,
    { usageMetadata: { promptTokenCount: PLAIN_TOKENS, toolUsePromptTokenCount: 12_000, candidatesTokenCount: 5 } },
  ],
  ['a search of a compatible server', OPENAI, { choices: [], usage: chatUsage(14_000, { num_sources_used: 6 }) }],
  [
    'several models in turn',
    GROQ,
    { choices: [], usage: chatUsage(9_000), usage_breakdown: { models: [{ model: 'a' }, { model: 'b' }] } },
  ],
]

async function connect({ provider, path: at, request }: Wire) {
  const capacity = [{ period: 'minute' as const, tokens: LIMIT }]
  const given = { provider, baseUrl: upstream.url, capacity, tokenReservation: 'maximum' as const }
  const { baseURL, isSettled } = await freshConnection(path.gateway, path.apiKey, given)
  const send = (maxTokens: number) => postJson(`${baseURL}${at}`, path.apiKey, request(maxTokens))
  return {
    isSettled,
    /** Has the provider respond so, once. */
    respond: async (response: object | string): Promise<void> => {
      upstream.respond = (_, outgoing) => {
        const isText = typeof response === 'string'
        outgoing.setHeader('content-type', isText ? 'text/event-stream' : 'application/json')
        outgoing.end(isText ? response : JSON.stringify(response))
      }
      expect((await send(10)).status).toBe(200)
    },
    /** Returns what the prompt would reserve, from the denial of a request with more output than the connection can grant. */
    reserved: async (): Promise<number> => {
      const { body } = await send(TOO_MUCH)
      return Number(/needs (\d+) tokens/.exec(body.toString())?.[1]) - TOO_MUCH
    },
  }
}

describe('a plain prompt reserves as much as before', () => {
  it.each(UNLIKE)('after responses with %s', async (_, wire, response) => {
    const { respond, reserved } = await connect(wire)
    for (let i = 0; i < 3; i++) await respond(wire.plain)
    const before = await reserved()
    expect(Math.abs(before / PLAIN_TOKENS - 1)).toBeLessThan(0.1)
    for (let i = 0; i < 3; i++) await respond(response)
    expect(await reserved()).toBe(before)
    // The next plain response teaches again.
    await respond(JSON.parse(JSON.stringify(wire.plain).replaceAll(`${PLAIN_TOKENS}`, `${PLAIN_TOKENS * 2}`)))
    await eventually(async () => expect(await reserved()).toBeGreaterThan(before))
  })

  it.each([
    [
      'a thread went on, whose system prompt, tools and history are not in the request',
      { thread: { type: 'continue', previous_message_id: 'msg_0' } },
    ],
    [
      "the provider's own tools were there, of which the response says nothing",
      { tools: [{ type: 'code_execution_20250825', name: 'code_execution' }] },
    ],
  ])('after %s', async (_, more) => {
    const { respond, reserved } = await connect({
      ...ANTHROPIC,
      request: (max_tokens: number) => ({ ...ANTHROPIC.request(max_tokens), ...more }),
    })
    const before = await reserved()
    for (let i = 0; i < 3; i++) await respond(message({ input_tokens: 40_000 }))
    expect(await reserved()).toBe(before)
  })
})

it('charges the results of a search, whatever is learned', async () => {
  const { respond, isSettled } = await connect(ANTHROPIC)
  await respond(message({ input_tokens: 11_000, server_tool_use: { web_search_requests: 1 } }))
  expect(await isSettled()).toEqual({ requests: 0, tokens: 11_005 })
})
