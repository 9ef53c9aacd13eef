import type { ServerResponse } from 'node:http'
import type { ProviderId } from '@sluice/contracts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FreshConnection, freshConnection } from '../support/fresh-connection.ts'
import { NATIVE_APIS, type NativeApi, type NativeCall } from '../support/native-calls.ts'
import { startRawUpstream } from '../support/raw-upstream.ts'
import { postJson, type RawResponse, sendRequest } from '../support/send-request.ts'
import { startBeforeAll } from '../support/start-before-all.ts'
import { startDataPath } from '../support/start-data-path.ts'

const SSE = 'text/event-stream'
type MaxTokens = { readonly max_tokens?: number }

/** The first events of a stream that reports no usage. */
const FIRST_EVENTS: Readonly<Record<string, string>> = {
  openai: 'data: {"choices":[{"index":0,"delta":{"content":"Open the gate"}}]}\n\n',
  groq: 'data: {"choices":[{"index":0,"delta":{"content":"Open the gate"}}]}\n\n',
  anthropic: 'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Open the gate"}}\n\n',
  google: 'data: {"candidates":[{"content":{"parts":[{"text":"Open the gate"}],"role":"model"}}]}\r\n\r\n',
}
const path = startBeforeAll(startDataPath)
const upstream = startBeforeAll(startRawUpstream)

describe.each(Object.entries(NATIVE_APIS) as [ProviderId, NativeApi][])('%s', (provider, { headers, calls }) => {
  const [plain] = Object.values(calls)
  const streamed = calls['streamed chat with usage'] ?? calls['streamed message'] ?? calls['content as events']
  const first = FIRST_EVENTS[provider] ?? ''
  let connection: FreshConnection
  beforeEach(async () => {
    connection = await freshConnection(path.gateway, path.apiKey, { provider, baseUrl: upstream.url })
  })
  afterEach(async () => {
    // Whatever the response was: the next request is served, and nothing stays reserved.
    upstream.respond = (_request, response) => response.writeHead(200).end('fine')
    expect((await send(plain)).body.toString()).toBe('fine')
    const { requests } = await connection.isSettled()
    expect(requests).toBe(2)
  })

  function send(call: NativeCall | undefined): Promise<RawResponse> {
    const fields = { ...headers(path.apiKey), 'content-type': 'application/json' }
    const body = JSON.stringify(call?.body)
    return sendRequest(`${connection.baseURL}${call?.path}`, { method: 'POST', headers: fields, body })
  }

  /** Responds with a 200 of this kind, whose head and body are sent as they are. */
  function respondWith(contentType: string, fields: object, send: (response: ServerResponse) => void): void {
    upstream.respond = (_request, response) => {
      response.writeHead(200, { 'content-type': contentType, ...fields })
      send(response)
    }
  }

  it.each([
    ['nothing after its first events', ''],
    ['half an event at its end', 'data: {"choi'],
    ['an event that is not JSON', 'data: {"choices":[}\n\n'],
    ['bytes that are not UTF-8', 'data: "\xff\xc3"\n\n'],
    ['nothing but comments after that', ': a\n\n: b\n\n\n\ndata:\n\n'],
  ])('passes on a stream with %s unchanged, and keeps its reservation charged', async (_, rest) => {
    const bytes = Buffer.from(first + rest, 'latin1')
    respondWith(SSE, {}, (response) => response.end(bytes))
    expect((await send(streamed)).body.equals(bytes)).toBe(true)
    expect(await connection.ended('success')).toMatchObject({ unreadUsage: true })
    const { requests, tokens } = await connection.isSettled()
    expect(requests).toBe(1)
    const { max_tokens: maximum = connection.settings.defaultMaxOutputTokens } = (streamed?.body ?? {}) as MaxTokens
    expect(tokens).toBeGreaterThan(maximum)
    expect(tokens).toBeLessThan(maximum + 200)
  })

  it.each([
    ['a stream', streamed, SSE, first],
    ['a response', plain, 'application/json', '{"a":'],
  ])('breaks off %s that is shorter than its content length', async (_, call, contentType, text) => {
    respondWith(contentType, { 'content-length': text.length + 10 }, (response) => {
      response.write(text, () => response.socket?.end())
    })
    await expect(send(call)).rejects.toThrow(/aborted|socket hang up/)
    await connection.ended('upstream_error')
  })

  it('cuts a response at its content length, and does not reuse its connection', async () => {
    upstream.respond = (_request, response) => {
      response.socket?.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}trailing')
    }
    expect((await send(plain)).body.toString()).toBe('{}')
    await connection.ended('success')
  })

  it('returns 502 in the provider’s format for a response that is not HTTP', async () => {
    upstream.respond = (_request, response) => void response.socket?.end('NONSENSE\r\n\r\n')
    const { status, headers, body } = await send(plain)
    expect(status).toBe(502)
    expect(headers['x-sluice-source']).toBe('gateway')
    expect(JSON.parse(body.toString()).error).toMatchObject({
      message: expect.stringMatching(/did not respond in HTTP/),
    })
    await connection.ended('upstream_error')
  })
})

it('distinguishes a connection closed before the response from one that cannot be established', async () => {
  const messageOf = async (baseUrl: string) => {
    const { baseURL } = await freshConnection(path.gateway, path.apiKey, { provider: 'openai', baseUrl })
    const respondWith = await postJson(`${baseURL}/v1/chat/completions`, path.apiKey, { model: 'm', messages: [] })
    const { error } = JSON.parse(respondWith.body.toString())
    expect([respondWith.status, error.code]).toEqual([502, 'upstream_unreachable'])
    return error.message
  }
  upstream.respond = (_request, response) => void response.socket?.end()
  expect(await messageOf(upstream.url)).toMatch(/^The provider of .* closed the connection before it responded\.$/)
  const closed = await startRawUpstream()
  await closed.stop()
  expect(await messageOf(closed.url)).toMatch(/^The provider of .* could not be reached\.$/)
})
