import type { ServerResponse } from 'node:http'
import { capacityStatus, type ProviderId } from '@sluice/contracts'
import { request } from '@sluice/messaging'
import { eventually } from '@sluice/testkit'
import { describe, expect, it } from 'vitest'
import { type FreshConnection, freshConnection } from './support/fresh-connection.ts'
import { startRawUpstream, writePieces } from './support/raw-upstream.ts'
import { postJson, type RawResponse } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'

/** Usage that servers report in ways of their own, through a whole gateway: what is charged, and what the event says. */
const SECRET = 'sk-compatible-5f2c91d07e44'
const MESSAGES = [{ role: 'user', content: 'What does a sluice do?' }]
const CHAT = { model: 'm', max_tokens: 60, messages: MESSAGES }
const STREAMED_CHAT = { ...CHAT, stream: true }
const PATHS: Readonly<Partial<Record<ProviderId, string>>> = {
  openai: '/v1/chat/completions',
  groq: '/openai/v1/chat/completions',
  anthropic: '/v1/messages',
}

const path = startBeforeAll(startDataPath)
const upstream = startBeforeAll(startRawUpstream)

const connect = (provider: ProviderId = 'openai'): Promise<FreshConnection> =>
  freshConnection(path.gateway, path.apiKey, { provider, baseUrl: upstream.url, apiKey: SECRET })

function send(
  { baseURL, settings }: FreshConnection,
  body: object,
  at = PATHS[settings.provider],
): Promise<RawResponse> {
  return postJson(`${baseURL}${at}`, path.apiKey, body)
}

function sendUnified({ settings }: FreshConnection, body: object): Promise<RawResponse> {
  return postJson(`${path.gateway.url}/v1/chat/completions`, path.apiKey, { ...body, model: `${settings.name}/m` })
}

function respondWith(
  body: string | object,
  headers: Readonly<Record<string, string>> = { 'content-type': 'application/json' },
) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  upstream.respond = (_request, response: ServerResponse) => {
    response.writeHead(200, headers)
    void writePieces(response, Buffer.from(text), [37, 5, 211])
  }
}

/** Has the upstream respond with `body`; resolves with the tokens that are reserved for the request meanwhile. */
function responseReading({ settings }: FreshConnection, body: string | object): Promise<number> {
  respondWith(body)
  const { respond } = upstream
  const reserved = Promise.withResolvers<number>()
  upstream.respond = (incoming, response) => {
    request(path.gateway.bus, capacityStatus, [settings.id], {}).then(({ windows }) => {
      reserved.resolve(windows.find(({ metric }) => metric === 'tokens')?.reserved ?? Number.NaN)
      respond(incoming, response)
    }, reserved.reject)
  }
  return reserved.promise
}

const EVENTS = { 'content-type': 'text/event-stream' }
const events = (...data: readonly (object | string)[]): string =>
  data.map((one) => `data: ${typeof one === 'string' ? one : JSON.stringify(one)}\n\n`).join('')
const chunk = (content: string, finish: string | null = null, more: object = {}) => ({
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta: { content }, finish_reason: finish }],
  ...more,
})
const completion = (usage: unknown) => ({
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Yes.' }, finish_reason: 'stop' }],
  usage,
})

describe('a reported total above the sum of its parts', () => {
  it.each([
    ['reasoning beside the completion', { prompt_tokens: 40, completion_tokens: 6, total_tokens: 130 }, 40, 90],
    [
      'reasoning that is more than the completion it should be part of',
      { prompt_tokens: 40, completion_tokens: 6, completion_tokens_details: { reasoning_tokens: 84 } },
      40,
      90,
    ],
    [
      'audio beside the prompt',
      { prompt_tokens: 4, completion_tokens: 6, total_tokens: 410, prompt_audio_seconds: 16 },
      404,
      6,
    ],
  ])('is charged: %s', async (_, usage, inputTokens, outputTokens) => {
    const connection = await connect()
    respondWith(completion(usage))
    await send(connection, CHAT)
    await connection.isCharged({ requests: 1, tokens: inputTokens + outputTokens })
    const event = await connection.ended('success')
    expect(event.usage).toMatchObject({ inputTokens, outputTokens })
    expect(event).not.toHaveProperty('unreadUsage')
  })
})

describe('a stream of a message whose last count of the input is zero', () => {
  const stream = events(
    { type: 'message_start', message: { id: 'a', usage: { input_tokens: 12_000, output_tokens: 1 } } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { input_tokens: 0, output_tokens: 7 } },
    { type: 'message_stop' },
  )

  it('is charged by the count before', async () => {
    const connection = await connect('anthropic')
    respondWith(stream, EVENTS)
    await send(connection, STREAMED_CHAT)
    await connection.isCharged({ requests: 1, tokens: 12_007 })
  })

  it('reports that count in the unified chat, too', async () => {
    const connection = await connect('anthropic')
    respondWith(stream, EVENTS)
    const { body } = await sendUnified(connection, { ...STREAMED_CHAT, stream_options: { include_usage: true } })
    expect(body.toString()).toContain('"prompt_tokens":12000')
    await connection.isCharged({ requests: 1, tokens: 12_007 })
  })
})

it('charges the compaction of a message’s history', async () => {
  const connection = await connect('anthropic')
  const iterations = [
    { type: 'compaction', input_tokens: 30_000, output_tokens: 250 },
    { type: 'message', input_tokens: 80, output_tokens: 4 },
  ]
  respondWith({ type: 'message', content: [], usage: { input_tokens: 80, output_tokens: 4, iterations } })
  await send(connection, CHAT)
  await connection.isCharged({ requests: 1, tokens: 30_334 })
})

it('charges the compaction of a conversation like any response', async () => {
  const connection = await connect()
  respondWith({ object: 'response.compaction', output: [], usage: { input_tokens: 4_000, output_tokens: 200 } })
  await send(connection, { model: 'gpt-5', input: 'Hello' }, '/v1/responses/compact')
  await connection.isCharged({ requests: 1, tokens: 4_200 })
  expect(await connection.ended('success')).toMatchObject({ model: 'gpt-5' })
})

describe('a stream without the content type of one', () => {
  const shown = events({ ...chunk('ok') }, chunk('', 'stop'), '[DONE]')
  const whole = events(
    { ...chunk('ok'), usage: null },
    { ...chunk('', 'stop'), usage: null },
    { choices: [], usage: { prompt_tokens: 2_000, completion_tokens: 3, total_tokens: 2_003 } },
    '[DONE]',
  )
  const HEADS: readonly [string, Readonly<Record<string, string>>][] = [
    ['as text', { 'content-type': 'text/plain; charset=utf-8' }],
    ['without a type', {}],
    ['as JSON', { 'content-type': 'application/json' }],
    ['as bytes', { 'content-type': 'application/octet-stream' }],
  ]

  it.each(HEADS)('is charged, and loses what the gateway added: %s', async (_, headers) => {
    const connection = await connect()
    respondWith(whole, headers)
    for (const { body } of [await send(connection, STREAMED_CHAT), await sendUnified(connection, STREAMED_CHAT)]) {
      expect(body.toString()).toBe(shown)
    }
    await connection.isCharged({ requests: 2, tokens: 2 * 2_003 })
  })

  it.each(HEADS)('has its error recognized, with the credential redacted: %s', async (_, headers) => {
    const connection = await connect()
    respondWith(`\ufeff${events(chunk('Hi'), { error: { code: '429', message: `no quota for ${SECRET}` } })}`, headers)
    for (const { body } of [await send(connection, STREAMED_CHAT), await sendUnified(connection, STREAMED_CHAT)]) {
      expect(body.toString()).toContain('no quota for [redacted]')
    }
    await eventually(() =>
      expect(connection.events().map(({ outcome }) => outcome)).toEqual(['upstream_429', 'upstream_429']),
    )
  })
})

describe('an error after output', () => {
  const failing = (code: unknown) => [
    ': PROCESSING\n\n' +
      events(chunk('Par'), chunk('', 'error', { error: { code, message: `refused ${SECRET}` } }), '[DONE]'),
  ]

  it.each([
    ['openai', 502, 'upstream_error'],
    ['openai', 429, 'upstream_429'],
    ['groq', '429', 'upstream_429'],
    ['groq', 400, 'upstream_error'],
  ] as const)('is seen, native and unified, without the credential: %s, %j', async (provider, code, outcome) => {
    const connection = await connect(provider)
    respondWith(failing(code).join(''), EVENTS)
    for (const { body } of [await send(connection, STREAMED_CHAT), await sendUnified(connection, STREAMED_CHAT)]) {
      expect(body.toString()).toContain('refused [redacted]')
      expect(body.toString()).not.toContain('ended the response early')
    }
    await eventually(() => expect(connection.events().map((event) => event.outcome)).toEqual([outcome, outcome]))
  })

  it('is recognized in a response whose tools have the names of output fields', async () => {
    const connection = await connect()
    const tools = [{ type: 'function', parameters: { properties: { delta: { type: 'number' }, usage: {} } } }]
    const error = { code: 'server_error', message: `refused ${SECRET}` }
    respondWith(events({ type: 'response.failed', response: { status: 'failed', error, tools } }), EVENTS)
    const { body } = await send(connection, { model: 'm', input: 'Hi', stream: true }, '/v1/responses')
    expect(body.toString()).toContain('refused [redacted]')
    await connection.ended('upstream_error')
  })

  it('is recognized in a document with status 200', async () => {
    const connection = await connect()
    respondWith({ error: { code: 502, message: 'The provider is away.' } })
    await send(connection, CHAT)
    await connection.ended('upstream_error')
  })
})

describe('a response whose usage is not understood', () => {
  it.each([
    ['whole', CHAT, completion({ tokens_in: 5, tokens_out: 6 })],
    [
      'whole, of servers that do not count',
      CHAT,
      completion({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }),
    ],
    ['streamed', STREAMED_CHAT, events(chunk('Hi'), chunk('', 'stop'), '[DONE]')],
  ])('stays charged as reserved, and is recorded as unread: %s', async (_, body, response) => {
    const connection = await connect()
    const reserved = responseReading(connection, response)
    await send(connection, body)
    const { tokens } = await connection.isSettled()
    expect(tokens).toBeGreaterThan(60)
    expect(tokens).toBe(await reserved)
    expect(await connection.ended('success')).toMatchObject({ unreadUsage: true })
  })

  it('is charged as reported for the part that is understood, and as reserved for the other', async () => {
    const connection = await connect()
    const reserved = responseReading(connection, completion({ completion_tokens: 9 }))
    await send(connection, CHAT)
    const inputTokens = (await reserved) - CHAT.max_tokens
    await connection.isCharged({ requests: 1, tokens: inputTokens + 9 })
    const event = await connection.ended('success')
    expect(event).toMatchObject({ unreadUsage: true, usage: { inputTokens, outputTokens: 9 } })
  })

  it('is not recorded as unread if the operation reports no usage', async () => {
    const connection = await connect()
    respondWith({ results: [] })
    await send(connection, { model: 'm', input: 'Hi' }, '/v1/moderations')
    expect(await connection.ended('success')).not.toHaveProperty('unreadUsage')
  })
})

describe('a unified stream without [DONE]', () => {
  const usage = { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 }

  it.each([
    ['one choice', events(chunk('Hel'), chunk('lo'), chunk('', 'stop', { usage }))],
    [
      'two choices, one after another',
      events(chunk('a'), chunk('', 'stop'), {
        choices: [{ index: 1, delta: { content: 'b' }, finish_reason: 'length' }],
      }),
    ],
  ])('is complete if every choice has its finish reason: %s', async (_, stream) => {
    const connection = await connect()
    respondWith(stream, EVENTS)
    const { body } = await sendUnified(connection, STREAMED_CHAT)
    expect(body.toString()).not.toContain('error')
    expect(body.toString()).toMatch(/data: \[DONE\]\n\n$/)
    await connection.ended('success')
  })

  it.each([
    ['no choice', events(chunk('Hel'), chunk('lo'))],
    ['one of two choices', events(chunk('a'), { choices: [{ index: 1, delta: {} }] }, chunk('', 'stop'))],
  ])('is cut off if only %s has', async (_, stream) => {
    const connection = await connect()
    respondWith(stream, EVENTS)
    const { body } = await sendUnified(connection, STREAMED_CHAT)
    expect(body.toString()).toContain('The provider ended the response early.')
    await connection.ended('upstream_error')
  })
})

it('treats a message with a stop reason as complete although nothing closes it', async () => {
  const connection = await connect('anthropic')
  respondWith(
    events(
      { type: 'message_start', message: { id: 'a', usage: { input_tokens: 9, output_tokens: 1 } } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'Hi' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'max_tokens' }, usage: { output_tokens: 7 } },
    ),
    EVENTS,
  )
  const { body } = await sendUnified(connection, STREAMED_CHAT)
  expect(body.toString()).toMatch(/"finish_reason":"length"[\s\S]*data: \[DONE\]\n\n$/)
  await connection.ended('success')
})

it('ends a stream with an error if a second message begins within a tool call, and charges both', async () => {
  const connection = await connect('anthropic')
  const start = (id: string, input_tokens: number) => ({
    type: 'message_start',
    message: { id, usage: { input_tokens, output_tokens: 1 } },
  })
  respondWith(
    events(
      start('a', 500),
      { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id: 't', name: 'f', input: {} } },
      { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{"ci' } },
      start('b', 600),
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'Hi' } },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 7 } },
      { type: 'message_stop' },
    ),
    EVENTS,
  )
  const { body } = await sendUnified(connection, STREAMED_CHAT)
  expect(body.toString()).toMatch(/data: {"error":{"message":"The provider started another message[^\n]*\n\n$/)
  await connection.isCharged({ requests: 1, tokens: 500 + 1 + 600 + 7 })
})
