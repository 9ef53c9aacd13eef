import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { capacityStatus, type ProviderId } from '@sluice/contracts'
import { request } from '@sluice/messaging'
import { eventually } from '@sluice/testkit'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type FreshConnection, freshConnection } from './support/fresh-connection.ts'
import { startRawUpstream } from './support/raw-upstream.ts'
import { postJson, type RawResponse, sendRequest } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'

/** If tokens are limited, an unknown operation is reserved and settled like one that runs a model. */
const MAX_BODY_BYTES = 64 * 1024
/** The tokens of a prompt's text. */
const PROMPT_BYTES = 8_000
const PROMPT = 'x'.repeat(PROMPT_BYTES)
/** A prompt, and a file of twice its length. */
const FORM =
  `--b\r\ncontent-disposition: form-data; name="prompt"\r\n\r\n${PROMPT}\r\n` +
  `--b\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\n${PROMPT}${PROMPT}\r\n--b--\r\n`
/** The requests that wait for their response. */
let waiting: ServerResponse[]

const data = startBeforeAll(() => startDataPath({ env: { MAX_BODY_BYTES: String(MAX_BODY_BYTES) } }))
const upstream = startBeforeAll(startRawUpstream)
beforeAll(async () => {
  upstream.respond = (incoming, response) => {
    incoming.resume()
    incoming.on('end', () => waiting.push(response))
  }
})
beforeEach(() => {
  waiting = []
})

const connect = (provider: ProviderId, settings = {}): Promise<FreshConnection> =>
  freshConnection(data.gateway, data.apiKey, { provider, baseUrl: upstream.url, ...settings })

/** The reservation once the request is with the provider, and the request's response. */
async function reserved({ settings }: FreshConnection, clientResponse: Promise<RawResponse>) {
  await eventually(() => expect(waiting).toHaveLength(1))
  const { windows } = await request(data.gateway.bus, capacityStatus, [settings.id], {})
  const tokens = windows.find(({ metric }) => metric === 'tokens')?.reserved ?? 0
  return { tokens, clientResponse }
}

function respond(body: string, contentType = 'application/json', status = 200): void {
  waiting[0]?.writeHead(status, { 'content-type': contentType }).end(body)
}

const USAGE = '{"usage":{"prompt_tokens":700,"completion_tokens":50,"total_tokens":750}}'

describe.each([
  ['openai', 'POST', '/v1/threads/runs'],
  ['openai', 'POST', '/v1/threads/t/runs'],
  ['openai', 'POST', '/v1/responses/of_tomorrow'],
  ['openai', 'POST', '/v1/rerank'],
  ['openai', 'POST', '/v1/engines/m/completions'],
  ['openai', 'POST', '/v1/deployments/m/chat/completions'],
  ['openai', 'POST', '/v1/Chat/Completions'],
  ['openai', 'POST', '/v1/chat/completions;x'],
  ['openai', 'POST', '/v1/chat/completions;a=b'],
  ['openai', 'POST', '/v1/chat/completions%3F'],
  ['openai', 'POST', '/v1/chat%252fcompletions'],
  ['openai', 'POST', '/v1/files;x'],
  ['openai', 'PUT', '/v1/chat/completions'],
  ['openai', 'PATCH', '/v1/completions/'],
  ['groq', 'POST', '/openai/v1/Chat/Completions'],
  ['anthropic', 'POST', '/v1/Messages'],
  ['anthropic', 'POST', '/v1/sessions/s/events'],
  ['anthropic', 'PUT', '/v1/messages'],
  ['google', 'POST', '/v1beta/cachedContents'],
  ['google', 'PATCH', '/v1beta/models/m'],
] as const)('%s: %s %s', (provider, method, path) => {
  const headers = () => ({ authorization: `Bearer ${data.apiKey}`, 'content-type': 'application/json' })

  it('reserves its body and its output, and is settled by its response', async () => {
    const connection = await connect(provider)
    const body = JSON.stringify({ model: 'm', max_tokens: 300, prompt: PROMPT })
    const sent = sendRequest(`${connection.baseURL}${path}`, { method, headers: headers(), body })
    const { tokens, clientResponse } = await reserved(connection, sent)
    expect(tokens).toBe(Math.ceil(body.length / 4) + 300)
    respond(USAGE)
    expect((await clientResponse).status).toBe(200)
    await connection.isCharged({ requests: 1, tokens: 750 })
  })
})

it.each([
  ['text/event-stream', `data: {"x":1}\n\ndata: ${USAGE}\n\ndata: [DONE]\n\n`, 750],
  ['text/event-stream', 'data: {"usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":3}}\n\n', 10],
  ['application/json', '{"usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":3}}', 10],
  ['application/json', '{"usage":{"total_tokens":12}}', 12],
])('is settled by the usage of a response in %s: %s', async (type, body, tokens) => {
  const connection = await connect('openai')
  const { clientResponse } = await reserved(
    connection,
    postJson(`${connection.baseURL}/v1/x`, data.apiKey, { model: 'm' }),
  )
  respond(body, type)
  expect((await clientResponse).body.toString()).toBe(body)
  await connection.isCharged({ requests: 1, tokens })
})

it('keeps its reservation if the response reports no usage, and refunds it if the provider refuses', async () => {
  const connection = await connect('openai')
  const url = `${connection.baseURL}/v1/x`
  const first = await reserved(connection, postJson(url, data.apiKey, { model: 'm' }))
  respond('{"id":"run_1","status":"queued","usage":null}')
  expect((await first.clientResponse).status).toBe(200)
  await connection.isCharged({ requests: 1, tokens: first.tokens })
  expect(first.tokens).toBeGreaterThan(1_000)
  waiting = []
  const second = await reserved(connection, postJson(url, data.apiKey, { model: 'm' }))
  respond('{}', 'application/json', 404)
  expect((await second.clientResponse).status).toBe(404)
  await connection.isCharged({ requests: 2, tokens: first.tokens })
})

describe('a body whose content type is not JSON', () => {
  const send = ({ baseURL }: FreshConnection, type: string | undefined, body: string | Buffer, more = {}) =>
    sendRequest(`${baseURL}/v1/Chat/Completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${data.apiKey}`, ...(type && { 'content-type': type }), ...more },
      body,
    })
  const json = JSON.stringify({ model: 'm', max_tokens: 300, prompt: PROMPT })

  it.each([
    'text/plain',
    'application/octet-stream',
    'audio/wav',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=b',
    undefined,
  ])('is read all the same: %s', async (type) => {
    const connection = await connect('openai')
    const { tokens, clientResponse } = await reserved(connection, send(connection, type, json))
    expect(tokens).toBe(Math.ceil(json.length / 4) + 300)
    respond(USAGE)
    expect((await clientResponse).status).toBe(200)
    await connection.isCharged({ requests: 1, tokens: 750 })
    await eventually(() => expect(connection.events().at(-1)?.model).toBe('m'))
  })

  it.each([
    ['text', 'text/plain', PROMPT, PROMPT_BYTES / 4],
    ['a form in the URL’s words', 'application/x-www-form-urlencoded', `prompt=${PROMPT}`, PROMPT_BYTES / 4 + 2],
    ['JSON in name only', 'application/json', `{"a":1}\n{"b":"${PROMPT}"}`, Math.ceil((PROMPT_BYTES + 16) / 4)],
    ['audio, whose length says nothing', 'audio/wav', PROMPT, 0],
    ['a form, by its texts', 'multipart/form-data; boundary=b', FORM, PROMPT_BYTES / 4],
    ['a form that cannot be read', 'multipart/form-data; boundary=c', FORM, Math.ceil(FORM.length / 4)],
    ['parts of another kind', 'multipart/mixed; boundary=b', FORM, Math.ceil(FORM.length / 4)],
  ])('is reserved by the part that a model may read: %s', async (_, type, body, promptTokens) => {
    const connection = await connect('openai', { defaultMaxOutputTokens: 500 })
    const { tokens, clientResponse } = await reserved(connection, send(connection, type, body))
    expect(tokens).toBe(promptTokens + 500)
    respond('{}')
    await clientResponse
  })

  it('may not be too long for memory', async () => {
    const connection = await connect('openai')
    const { status } = await send(connection, 'text/plain', 'x'.repeat(MAX_BODY_BYTES + 1))
    expect(status).toBe(413)
    expect(waiting).toEqual([])
  })

  it('is inspected when it is compressed', async () => {
    const connection = await connect('openai', { capacity: [{ period: 'hour', tokens: 1_000 }] })
    for (const type of ['application/json', 'text/plain']) {
      const large = gzipSync(JSON.stringify({ messages: 'x'.repeat(30_000) }))
      const { status, body } = await send(connection, type, large, { 'content-encoding': 'gzip' })
      expect([status, body.toString()]).toEqual([400, expect.stringContaining('request_exceeds_capacity')])
    }
    expect(waiting).toEqual([])
  })

  it('is streamed, however long, if tokens are not limited', async () => {
    const connection = await connect('openai', { capacity: [{ period: 'minute', requests: 1_000 }] })
    const clientResponse = send(connection, 'text/plain', 'x'.repeat(4 * MAX_BODY_BYTES), {
      'content-encoding': 'gzip',
    })
    await eventually(() => expect(waiting).toHaveLength(1))
    respond('{}')
    expect((await clientResponse).status).toBe(200)
  })
})

it.each([
  ['openai', 'GET', '/v1/models'],
  ['openai', 'GET', '/v1/Chat/Completions'],
  ['openai', 'DELETE', '/v1/files/f'],
  ['openai', 'POST', '/v1/files'],
  ['openai', 'POST', '/v1/vector_stores'],
  ['openai', 'POST', '/v1/batches'],
  ['openai', 'POST', '/v1/assistants'],
  ['anthropic', 'POST', '/v1/messages/batches'],
  ['anthropic', 'POST', '/v1/skills'],
  ['google', 'POST', '/v1beta/models/m:batchGenerateContent'],
  ['google', 'POST', '/v1beta/models/m:countTokens'],
] as const)('reserves no tokens for what is known to run nothing now: %s %s %s', async (provider, method, path) => {
  const connection = await connect(provider)
  const headers = { authorization: `Bearer ${data.apiKey}`, 'content-type': 'application/json' }
  const body = method === 'POST' ? JSON.stringify({ model: 'm', requests: [] }) : ''
  const sent = sendRequest(`${connection.baseURL}${path}`, { method, headers, body })
  const { tokens, clientResponse } = await reserved(connection, sent)
  expect(tokens).toBe(0)
  respond(USAGE)
  await clientResponse
  await connection.isCharged({ requests: 1, tokens: 0 })
})

it('is refused if it needs more than the whole limit', async () => {
  const connection = await connect('openai', { capacity: [{ period: 'minute', tokens: 1_000 }] })
  const { status, body } = await postJson(`${connection.baseURL}/v1/Chat/Completions`, data.apiKey, { prompt: PROMPT })
  expect([status, JSON.parse(body.toString()).error.code]).toEqual([400, 'request_exceeds_capacity'])
})

it('teaches nothing about the model, since it may differ from its usual requests', async () => {
  const connection = await connect('openai')
  const chat = () =>
    postJson(`${connection.baseURL}/v1/chat/completions`, data.apiKey, { model: 'm', messages: PROMPT })
  const before = await reserved(connection, chat())
  respond('{}')
  await before.clientResponse
  for (let i = 0; i < 5; i++) {
    waiting = []
    const { clientResponse } = await reserved(
      connection,
      postJson(`${connection.baseURL}/v1/x`, data.apiKey, { model: 'm' }),
    )
    respond('{"usage":{"prompt_tokens":1,"completion_tokens":1}}')
    await clientResponse
    await connection.isSettled()
  }
  waiting = []
  const after = await reserved(connection, chat())
  expect(after.tokens).toBe(before.tokens)
  respond('{}')
  await after.clientResponse
})
