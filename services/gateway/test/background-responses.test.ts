import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { backgroundResponses, type ProviderId } from '@sluice/contracts'
import { openBucket } from '@sluice/messaging'
import { eventually } from '@sluice/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type FreshConnection, freshConnection, untilKnown } from './support/fresh-connection.ts'
import { startRawUpstream } from './support/raw-upstream.ts'
import { postJson, sendRequest } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'
import { startGateway, type TestGateway } from './support/start-gateway.ts'

/** Responses that the provider makes in the background, through two gateways: what is charged, and what the events say. */
const BODY = { model: 'gpt-5', input: 'Write a report.', background: true, max_output_tokens: 100 }
const JSON_TYPE = { 'content-type': 'application/json' }
const usage = (input: number, output: number, reasoning = 0) => ({
  input_tokens: input,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: output,
  output_tokens_details: { reasoning_tokens: reasoning },
  total_tokens: input + output,
})
const responseOf = (id: string, status: string, used: object | null = null) => ({
  id,
  object: 'response',
  background: true,
  status,
  output: [],
  usage: used,
})
const event = (type: string, response: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, response })}\n\n`

let other: TestGateway
let id: string
/** The response as the provider has it. */
let stored: object
const path = startBeforeAll(startDataPath)
const upstream = startBeforeAll(startRawUpstream)
beforeAll(async () => {
  other = await startGateway({ natsUrl: path.natsUrl })
})
afterAll(async () => {
  await other?.stop()
})
beforeEach(() => {
  id = `resp_${randomUUID()}`
  stored = responseOf(id, 'queued')
  responseWith((response) => void response.writeHead(200, JSON_TYPE).end(JSON.stringify(stored)))
})

const responseWith = (act: (response: ServerResponse) => void): void => {
  upstream.respond = (request, response) => {
    request.resume()
    act(response)
  }
}

async function connect(provider: ProviderId = 'openai', more: object = {}): Promise<FreshConnection> {
  const settings = { id: randomUUID(), provider, baseUrl: upstream.url, apiKey: 'sk-background-6b1d0e', ...more }
  // Either of the test's responders may be called.
  other.credentials.set(settings.id, { apiKey: settings.apiKey })
  const connection = await freshConnection(path.gateway, path.apiKey, settings)
  await untilKnown(other.url, connection.settings.name, path.apiKey)
  return connection
}

const rootOf = ({ settings }: FreshConnection) => (settings.provider === 'groq' ? '/openai/v1' : '/v1')
const urlOf = (connection: FreshConnection, gateway: { readonly url: string } = path.gateway): string =>
  `${gateway.url}/connections/${connection.settings.name}${rootOf(connection)}/responses`
const begin = (connection: FreshConnection, body: object = BODY) => postJson(urlOf(connection), path.apiKey, body)
const retrieve = (connection: FreshConnection, gateway?: TestGateway, query = '') =>
  sendRequest(`${urlOf(connection, gateway)}/${id}${query}`, { headers: { authorization: `Bearer ${path.apiKey}` } })
const usageIn = (connection: FreshConnection) => connection.events().flatMap((one) => one.usage ?? [])

/** Begins one; returns what is charged for it once other gateways know. */
async function begun(connection: FreshConnection, body: object = BODY): Promise<number> {
  const before = await entries()
  await begin(connection, body)
  const { tokens } = await connection.isSettled()
  expect(tokens).toBeGreaterThan(100)
  await eventually(async () => expect(await entries()).toBe(before + 1))
  return tokens
}

async function entries(): Promise<number> {
  return (await (await openBucket(path.gateway.bus, backgroundResponses)).keys()).length
}

describe('a background response', () => {
  it.each<[ProviderId, object]>([
    ['openai', {}],
    ['openai', { capacity: [{ period: 'hour', requests: 1_000, tokens: 100_000, outputTokens: 100_000 }] }],
    ['groq', {}],
  ])(
    'is charged once for usage beyond its reservation, however often it is requested: %s %j',
    async (provider, more) => {
      const connection = await connect(provider, more)
      const reserved = await begun(connection)
      await retrieve(connection)
      await connection.isCharged({ requests: 2, tokens: reserved })
      stored = responseOf(id, 'completed', usage(10, 9_000, 8_000))
      for (const gateway of [other, undefined, other, undefined]) await retrieve(connection, gateway)
      await connection.isCharged({ requests: 6, tokens: 9_010 })
      await eventually(() => expect(connection.events()).toHaveLength(6))
      expect(usageIn(connection)).toEqual([
        { inputTokens: 10, outputTokens: 9_000, cachedInputTokens: 0, reasoningTokens: 8_000 },
      ])
      expect(connection.events().filter(({ usage }) => usage !== undefined)).toMatchObject([{ model: 'gpt-5' }])
      expect(connection.events().filter(({ unreadUsage }) => unreadUsage)).toHaveLength(1)
    },
  )

  it('is charged once if two gateways receive it at the same time', async () => {
    const connection = await connect()
    await begun(connection)
    stored = responseOf(id, 'completed', usage(20, 5_000))
    await Promise.all(Array.from({ length: 20 }, (_, i) => retrieve(connection, i % 2 === 0 ? other : undefined)))
    await connection.isCharged({ requests: 21, tokens: 5_020 })
    await eventually(() => expect(connection.events()).toHaveLength(21))
    expect(usageIn(connection)).toHaveLength(1)
  })

  it('keeps its reservation if it used less, and records its usage', async () => {
    const connection = await connect()
    const reserved = await begun(connection)
    stored = responseOf(id, 'completed', usage(4, 7))
    await retrieve(connection, other)
    await connection.isCharged({ requests: 2, tokens: reserved })
    await eventually(() => expect(usageIn(connection)).toMatchObject([{ inputTokens: 4, outputTokens: 7 }]))
  })

  it('is charged by the highest of its cumulative reports, each token once', async () => {
    const connection = await connect()
    await begun(connection)
    for (const output of [2_000, 1_500, 6_000]) {
      stored = responseOf(id, 'in_progress', usage(10, output))
      await retrieve(connection, other)
      await connection.isSettled()
    }
    await connection.isCharged({ requests: 4, tokens: 6_010 })
    await eventually(() => expect(usageIn(connection).map(({ outputTokens }) => outputTokens)).toEqual([2_000, 4_000]))
  })

  it('is charged by whatever reports first: its cancellation, or its stream', async () => {
    const connection = await connect()
    await begun(connection)
    stored = responseOf(id, 'cancelled', usage(10, 3_000))
    await postJson(`${urlOf(connection, other)}/${id}/cancel`, path.apiKey, {})
    await connection.isCharged({ requests: 2, tokens: 3_010 })
    responseWith((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(event('response.completed', responseOf(id, 'completed', usage(10, 4_000))))
    })
    await retrieve(connection, undefined, '?stream=true&starting_after=2')
    await connection.isCharged({ requests: 3, tokens: 4_010 })
  })

  it('is not charged to a request from another connection, or if it was begun elsewhere', async () => {
    const connection = await connect()
    await begun(connection)
    const stranger = await connect()
    stored = responseOf(id, 'completed', usage(10, 3_000))
    await retrieve(stranger, other)
    await stranger.isCharged({ requests: 1, tokens: 0 })
    expect(usageIn(stranger)).toEqual([])
  })
})

describe('a stream of a background response', () => {
  const begins = () => event('response.created', { ...responseOf(id, 'queued'), instructions: 'Say {"id": "none"}' })
  const delta = `data: ${JSON.stringify({ type: 'response.output_text.delta', delta: 'Hi' })}\n\n`

  it('keeps its reservation if it breaks off, since the provider goes on, and is charged the rest later', async () => {
    const connection = await connect()
    responseWith((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(begins() + delta, () => response.destroy())
    })
    const before = await entries()
    await begin(connection, { ...BODY, stream: true }).catch(() => undefined)
    const { tokens } = await connection.isSettled()
    expect(tokens).toBeGreaterThan(100)
    await eventually(async () => expect(await entries()).toBe(before + 1))
    responseWith((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(delta + event('response.completed', responseOf(id, 'completed', usage(30, 700))))
    })
    await retrieve(connection, other, '?stream=true')
    await connection.isCharged({ requests: 2, tokens: 730 })
  })

  it('is charged exactly if it is complete, and nothing more when it is requested', async () => {
    const connection = await connect()
    const end = responseOf(id, 'completed', usage(8, 40))
    responseWith((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(begins() + delta + event('response.completed', end))
    })
    await begin(connection, { ...BODY, stream: true })
    await connection.isCharged({ requests: 1, tokens: 48 })
    responseWith((response) => void response.writeHead(200, JSON_TYPE).end(JSON.stringify(end)))
    await retrieve(connection, other)
    await connection.isCharged({ requests: 2, tokens: 48 })
    expect(usageIn(connection)).toHaveLength(1)
  })
})
