import type { ServerResponse } from 'node:http'
import { eventually } from '@sluice/testkit'
import OpenAI from 'openai'
import { afterEach, expect, it } from 'vitest'
import { type FreshConnection, freshConnection } from '../support/fresh-connection.ts'
import { startRawUpstream } from '../support/raw-upstream.ts'
import { postJson } from '../support/send-request.ts'
import { startBeforeAll } from '../support/start-before-all.ts'
import { clientOf, raised, startUnifiedPath } from '../support/unified-client.ts'

/** Responses that no provider should send: the application gets an error, and the event records it. */
const MESSAGES = [{ role: 'user' as const, content: 'What does a sluice do?' }]

const path = startBeforeAll(() => startUnifiedPath('openai'))
const upstream = startBeforeAll(startRawUpstream)

afterEach(() => {
  upstream.respond = (_, response) => void response.end()
})

const connectTo = (provider: 'openai' | 'anthropic' | 'google' | 'groq'): Promise<FreshConnection> =>
  freshConnection(path.gateway, path.apiKey, { provider, baseUrl: upstream.url })

async function send({ settings }: FreshConnection, stream: boolean): Promise<void> {
  const clientResponse = await clientOf(path).chat.completions.create({
    model: `${settings.name}/some-model`,
    messages: MESSAGES,
    stream,
  })
  if (Symbol.asyncIterator in clientResponse) for await (const _ of clientResponse);
}

const events = (response: ServerResponse, text: string) =>
  response.setHeader('content-type', 'text/event-stream').end(text)

it.each(['openai', 'groq'] as const)('turns the page of a proxy before %s into an OpenAI error', async (provider) => {
  upstream.respond = (_request, response) =>
    response.writeHead(502, { 'content-type': 'text/html' }).end('<html><title>502 Bad Gateway</title></html>')
  const connection = await connectTo(provider)
  const model = `${connection.settings.name}/some-model`
  for (const stream of [false, true]) {
    const body = { model, messages: MESSAGES, stream }
    const clientResponse = await postJson(`${path.gateway.url}/v1/chat/completions`, path.apiKey, body)
    expect(clientResponse).toMatchObject({
      status: 502,
      headers: { 'content-type': 'application/json; charset=utf-8' },
    })
    expect(JSON.parse(clientResponse.body.toString())).toEqual({
      error: { message: 'The provider returned status 502.', type: 'server_error', param: null, code: null },
    })
  }
})

it.each([
  ['nothing at all', 'openai', true, (response) => response.writeHead(204).end()],
  ['nothing at all', 'anthropic', true, (response) => response.writeHead(204).end()],
  ['a page', 'anthropic', false, (response) => response.setHeader('content-type', 'text/html').end('<html>')],
  ['a redirection', 'google', false, (response) => response.writeHead(302, { location: '/' }).end()],
  ['what is compressed', 'google', false, (response) => response.setHeader('content-encoding', 'br').end('?')],
  [
    'JSON of another shape',
    'anthropic',
    false,
    (response) => response.setHeader('content-type', 'application/json').end('{"type":"odd"}'),
  ],
] as [string, 'openai' | 'anthropic' | 'google', boolean, (response: ServerResponse) => void][])(
  '%s, by %s (streamed: %s), is reported as the provider’s fault',
  async (_, provider, stream, respond) => {
    upstream.respond = (_request, response) => respond(response)
    const connection = await connectTo(provider)
    const error = await raised(send(connection, stream), OpenAI.InternalServerError, /could not be understood/)
    expect(error).toMatchObject({ status: 502, code: 'upstream_unreachable' })
    await connection.ended('upstream_error')
    await connection.isSettled()
  },
)

it.each([
  ['openai', 'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'],
  ['anthropic', 'event: ping\ndata: {"type":"ping"}\n\n'],
  ['google', 'data: {"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}\n\n'],
] as const)('a stream of %s that ends before its end is an error to both', async (provider, text) => {
  upstream.respond = (_, response) => events(response, text)
  const connection = await connectTo(provider)
  await raised(send(connection, true), OpenAI.APIError, /ended the response early/)
  await connection.ended('upstream_error')
})

it.each([
  ['openai', 'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n'],
  [
    'anthropic',
    'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}\n\ndata: {"type":"message_stop"}\n\n',
  ],
  ['google', 'data: {"candidates":[{"finishReason":"STOP"}]}\n\n'],
] as const)('a stream of %s that breaks off after its end is whole to the application', async (provider, text) => {
  upstream.respond = (_, response) => {
    response.setHeader('content-type', 'text/event-stream')
    response.write(text, () => response.destroy())
  }
  const connection = await connectTo(provider)
  const body = { model: `${connection.settings.name}/some-model`, messages: MESSAGES, stream: true }
  const clientResponse = await postJson(`${path.gateway.url}/v1/chat/completions`, path.apiKey, body)
  expect(clientResponse.body.toString()).toMatch(/data: \[DONE\]\n\n$/)
  await connection.ended('upstream_error')
})

it('uses the last of two models in a body, however it is spelled', async () => {
  const sent: string[] = []
  upstream.respond = async (request, response) => {
    sent.push((await request.toArray()).join(''))
    response.setHeader('content-type', 'application/json').end('{}')
  }
  const { settings } = await connectTo('openai')
  await fetch(`${path.gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${path.apiKey}`, 'content-type': 'application/json' },
    body: `{"model":"nowhere/other","mod\\u0065l":"${settings.name}/some-model","messages":[]}`,
  })
  expect(sent.map((body) => JSON.parse(body))).toEqual([{ model: 'some-model', messages: [] }])
})

it('lists models without those of providers that do not respond in time', async () => {
  upstream.respond = () => undefined
  const silent = await Promise.all(Array.from({ length: 20 }, () => connectTo('openai')))
  const apiKey = await path.gateway.apiKey({ connections: silent.map(({ settings }) => settings.id) })
  const list = await eventually(() => clientOf(path, apiKey).models.list(), { timeoutMs: 20_000 })
  expect(list.data).toEqual([])
  expect(list).toMatchObject({ body: { unavailable_connections: { length: 20 } } })
})
