import type { ProviderId } from '@sluice/contracts'
import { eventually } from '@sluice/testkit'
import { describe, expect, it } from 'vitest'
import { freshConnection } from './support/fresh-connection.ts'
import { startRawUpstream } from './support/raw-upstream.ts'
import { postJson } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'

const MESSAGES = [{ role: 'user' as const, content: 'Hi' }]
const BODY = { model: 'm', messages: MESSAGES, max_tokens: 4_096 }

const data = startBeforeAll(startDataPath)
const upstream = startBeforeAll(startRawUpstream)

const connect = (provider: ProviderId = 'openai') =>
  freshConnection(data.gateway, data.apiKey, { provider, baseUrl: upstream.url })

const event = (message: object) => `data: ${JSON.stringify(message)}\n\n`
const WORDS = Array.from({ length: 200 }, () => 'word')

describe('a stream that reported only the beginning of its output', () => {
  it.each([
    [
      'anthropic',
      '/v1/messages',
      event({ type: 'message_start', message: { id: 'm', usage: { input_tokens: 10, output_tokens: 1 } } }) +
        WORDS.map((text) => event({ type: 'content_block_delta', delta: { type: 'text_delta', text } })).join(''),
    ],
    [
      'openai',
      '/v1/chat/completions',
      event({ choices: [], usage: { prompt_tokens: 10, completion_tokens: 0, total_tokens: 10 } }) +
        WORDS.map((content) => event({ choices: [{ index: 0, delta: { content } }] })).join(''),
    ],
    [
      'google',
      '/v1beta/models/m:streamGenerateContent?alt=sse',
      WORDS.map((text) =>
        event({ candidates: [{ content: { parts: [{ text }] } }], usageMetadata: { promptTokenCount: 10 } }),
      ).join(''),
    ],
  ] as const)('is charged by the relayed output if the client disconnects: %s', async (provider, path, body) => {
    upstream.respond = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(body)
    }
    const { baseURL, isCharged, ended } = await connect(provider)
    const controller = new AbortController()
    const response = await fetch(`${baseURL}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${data.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...BODY, stream: true, stream_options: { include_usage: true } }),
      signal: controller.signal,
    })
    const reader = response.body?.getReader()
    for (let bytes = 0; bytes < body.length; ) bytes += (await reader?.read())?.value?.length ?? body.length
    controller.abort()
    expect((await ended('aborted')).usage).toMatchObject({ inputTokens: 10, outputTokens: 200 })
    await isCharged({ requests: 1, tokens: 210 })
  })
})

describe('an error with status 200 in the place of a message', () => {
  const ERROR = { type: 'error', error: { type: 'rate_limit_error', message: 'Slow down.' } }

  async function send(stream: boolean, error: object = ERROR) {
    upstream.respond = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'retry-after': '20' })
      response.end(JSON.stringify(error))
    }
    const connection = await connect('anthropic')
    const body = { model: `${connection.settings.name}/claude-sonnet-4-6`, messages: MESSAGES, stream }
    return {
      ...connection,
      clientResponse: await postJson(`${data.gateway.url}/v1/chat/completions`, data.apiKey, body),
    }
  }

  it('has its own status and retry time, and starts a cool-down of the model', async () => {
    const { clientResponse, ended, coolDowns } = await send(false)
    expect(clientResponse.status).toBe(429)
    expect(clientResponse.headers).toMatchObject({ 'retry-after': '20', 'x-sluice-source': 'upstream' })
    expect(clientResponse.headers['x-should-retry']).toBeUndefined()
    expect(JSON.parse(clientResponse.body.toString())).toEqual({
      error: { message: 'Slow down.', type: 'rate_limit_error', param: null, code: 'rate_limit_error' },
    })
    await ended('upstream_429')
    await eventually(async () => expect(await coolDowns()).toMatchObject([{ model: 'claude-sonnet-4-6' }]))
  })

  it('is the last event of a stream, in the provider’s format', async () => {
    const { clientResponse, ended } = await send(true)
    expect([clientResponse.status, clientResponse.body.toString()]).toEqual([
      200,
      event({ error: { message: 'Slow down.', type: 'server_error', param: null, code: 'rate_limit_error' } }),
    ])
    await ended('upstream_429')
  })

  it('is final if it does not name its kind', async () => {
    const { clientResponse } = await send(false, { type: 'error', error: { type: 'api_error', message: 'No.' } })
    expect([clientResponse.status, clientResponse.headers['x-should-retry']]).toEqual([422, 'false'])
  })
})

it('turns a completion that came as a document into a stream', async () => {
  const choice = { index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }
  const usage = { prompt_tokens: 4, completion_tokens: 1, total_tokens: 5 }
  upstream.respond = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ id: 'c', object: 'chat.completion', choices: [choice], usage }))
  }
  const { settings, isCharged } = await connect()
  const body = { model: `${settings.name}/gpt-4.1`, messages: MESSAGES, stream: true }
  const clientResponse = await postJson(`${data.gateway.url}/v1/chat/completions`, data.apiKey, body)
  const common = { id: 'c', object: 'chat.completion.chunk' }
  const delta = { role: 'assistant', content: 'Hello' }
  expect(clientResponse.headers['content-type']).toMatch(/^text\/event-stream/)
  expect(clientResponse.body.toString()).toBe(
    event({ ...common, choices: [{ index: 0, delta, finish_reason: null }] }) +
      event({ ...common, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }) +
      'data: [DONE]\n\n',
  )
  await isCharged({ requests: 1, tokens: 5 })
})
