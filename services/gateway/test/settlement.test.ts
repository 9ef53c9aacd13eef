import { once } from 'node:events'
import { createServer } from 'node:net'
import { permitBatch as batchOfPermits } from '@sluice/contracts'
import { request } from '@sluice/messaging'
import type { Control, ProviderSimulator } from '@sluice/provider-simulator'
import { eventually } from '@sluice/testkit'
import OpenAI, { RateLimitError } from 'openai'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { freshConnection } from './support/fresh-connection.ts'
import { postJson, type RawResponse } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'
import type { ConnectionToMake, TestGateway } from './support/start-gateway.ts'

const MODEL = 'gpt-4.1-mini'
const BODY = { model: MODEL, messages: [{ role: 'user' as const, content: 'Say something.' }], max_tokens: 50 }
const STREAM = { ...BODY, stream: true as const }
/** The prompt tokens of a body with the one short message: its text, with models of GPT's family, and the frame of a prompt and of a message. */
const PROMPT_TOKENS = ({ messages }: Pick<typeof BODY, 'messages'>) =>
  Math.ceil(messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0) / 4.4 + 3 + 4 * messages.length)
let simulator: ProviderSimulator
let gateway: TestGateway
let apiKey: string

const data = startBeforeAll(() =>
  startDataPath({
    env: { UPSTREAM_FIRST_BYTE_TIMEOUT_MS: '400', UPSTREAM_IDLE_TIMEOUT_MS: '400' },
  }),
)
beforeAll(async () => {
  ;({ simulator, gateway, apiKey } = data)
})

beforeEach(() => {
  simulator.controls.clear()
  simulator.requests.clear()
})

async function connect(settings: Partial<ConnectionToMake> = {}) {
  const connection = await freshConnection(gateway, apiKey, { baseUrl: simulator.url, ...settings })
  const baseURL = `${connection.baseURL}/v1`
  return {
    ...connection,
    send: (body: object): Promise<RawResponse> => postJson(`${baseURL}/chat/completions`, apiKey, body),
    sdk: new OpenAI({ apiKey, baseURL, maxRetries: 0 }),
  }
}

const usageOf = (clientResponse: RawResponse): number => JSON.parse(clientResponse.body.toString()).usage.total_tokens

describe('a request is settled', () => {
  it('by the usage that its response reports', async () => {
    const { send, isCharged, ended } = await connect()
    const clientResponse = await send(BODY)
    expect(usageOf(clientResponse)).toBeLessThan(50)
    await isCharged({ requests: 1, tokens: usageOf(clientResponse) })
    const event = await ended('success')
    expect(event).toMatchObject({ model: MODEL, upstreamStatus: 200, usage: { outputTokens: 16 } })
    expect(event?.requestId).toBe(clientResponse.headers['x-request-id'])
    expect(event?.upstreamMs).toBeGreaterThanOrEqual(event?.timeToFirstByteMs ?? Number.NaN)
  })

  it('by the usage of a stream, although the application did not request it', async () => {
    const { send, isCharged } = await connect()
    const used = usageOf(await send(BODY))
    const { body } = await send(STREAM)
    expect(body.toString()).not.toContain('usage')
    await isCharged({ requests: 2, tokens: 2 * used })
  })

  it('as reserved if the response reports no usage', async () => {
    simulator.controls.add({ omitUsage: true })
    const { send, isCharged } = await connect()
    await send(BODY)
    await isCharged({ requests: 1, tokens: PROMPT_TOKENS(BODY) + 50 })
  })

  it('as reserved if a stream reports no usage, since reasoning is not relayed', async () => {
    simulator.controls.add({ omitUsage: true, outputTokens: 10 })
    const { send, isCharged, ended } = await connect()
    await send(STREAM)
    await isCharged({ requests: 1, tokens: PROMPT_TOKENS(STREAM) + 50 })
    expect(await ended('success')).toMatchObject({ unreadUsage: true })
  })

  it('as a request without tokens if the provider refuses it', async () => {
    const { send, isCharged, ended } = await connect()
    expect((await send({ ...BODY, messages: [] })).status).toBe(400)
    await isCharged({ requests: 1, tokens: 0 })
    await ended('client_error')
    simulator.controls.add({ times: 1, fault: { kind: 'status', status: 503 } })
    expect((await send(BODY)).status).toBe(503)
    await isCharged({ requests: 2, tokens: 0 })
    await ended('upstream_error')
  })

  it('as nothing if it never reached the provider', async () => {
    const { send, isCharged, ended } = await connect({ baseUrl: await closedPort() })
    const clientResponse = await send(BODY)
    expect(clientResponse.status).toBe(502)
    expect(JSON.parse(clientResponse.body.toString()).error.code).toBe('upstream_unreachable')
    await isCharged({ requests: 0, tokens: 0 })
    await ended('upstream_error')
  })

  it('as reserved if the provider closes the connection before a response', async () => {
    simulator.controls.add({ fault: { kind: 'break-before-headers' } })
    const { send, isCharged } = await connect()
    expect((await send(BODY)).status).toBe(502)
    await isCharged({ requests: 1, tokens: PROMPT_TOKENS(BODY) + 50 })
  })

  it('as reserved if no response comes in time', async () => {
    simulator.controls.add({ fault: { kind: 'hang-before-headers' } })
    const { send, isCharged, ended } = await connect()
    const clientResponse = await send(BODY)
    expect(clientResponse.status).toBe(504)
    expect(JSON.parse(clientResponse.body.toString()).error.code).toBe('upstream_timeout')
    await isCharged({ requests: 1, tokens: PROMPT_TOKENS(BODY) + 50 })
    await ended('timeout')
    // The upstream call is ended.
    await eventually(() => expect(simulator.requests.list().at(-1)?.outcome).toBe('client-disconnected'))
  })

  it.each([
    ['break-mid-stream', 'upstream_error'],
    ['hang-mid-stream', 'timeout'],
  ] as const)(
    'as the prompt and the output so far after %s, and the caller is broken off too',
    async (kind, outcome) => {
      simulator.controls.add({ fault: { kind, afterChunks: 5 } })
      const { sdk, isCharged, ended } = await connect()
      const chunks: unknown[] = []
      const read = async () => {
        for await (const chunk of await sdk.chat.completions.create(STREAM)) chunks.push(chunk)
      }
      await expect(read()).rejects.toThrow(/terminated|Premature close|aborted/i)
      expect(chunks).toHaveLength(5)
      await isCharged({ requests: 1, tokens: PROMPT_TOKENS(STREAM) + 5 })
      await ended(outcome)
    },
  )

  it('by the prompt and the output so far if the client disconnects, which aborts the upstream call', async () => {
    simulator.controls.add({ chunkDelayMs: 30, outputTokens: 1_000 } satisfies Control)
    const { sdk, isSettled, ended } = await connect()
    const stream = await sdk.chat.completions.create({ ...STREAM, max_tokens: 2_000 })
    let seen = 0
    for await (const _ of stream) if (++seen === 3) break
    await eventually(() => expect(simulator.requests.list().at(-1)?.outcome).toBe('client-disconnected'))
    await ended('aborted')
    const { requests, tokens } = await isSettled()
    expect(requests).toBe(1)
    expect(tokens).toBeGreaterThanOrEqual(PROMPT_TOKENS(STREAM) + 3)
    expect(tokens).toBeLessThan(PROMPT_TOKENS(STREAM) + 100)
  })

  it('as reserved if the client disconnects before a response', async () => {
    simulator.controls.add({ fault: { kind: 'hang-before-headers' } })
    const { sdk, isCharged, ended } = await connect()
    const controller = new AbortController()
    const failure = expect(sdk.chat.completions.create(BODY, { signal: controller.signal })).rejects.toThrow(/aborted/i)
    await eventually(() => expect(simulator.requests.list()).toHaveLength(1))
    controller.abort()
    await failure
    await isCharged({ requests: 1, tokens: PROMPT_TOKENS(BODY) + 50 })
    await ended('aborted')
  })

  it('as a request without tokens if it runs no model', async () => {
    const { sdk, isCharged } = await connect()
    await sdk.models.list()
    await isCharged({ requests: 1, tokens: 0 })
  })
})

describe("a provider's 429", () => {
  it('is received once: until its time is over, other requests are denied', async () => {
    simulator.controls.add({ times: 1, fault: { kind: 'rate-limit', retryAfterMs: 1_500 } })
    const { sdk, isCharged } = await connect()
    const attempt = (model: string) =>
      sdk.chat.completions.create({ ...BODY, model }).catch((error: unknown) => error as RateLimitError)
    expect(await attempt(MODEL)).toBeInstanceOf(RateLimitError)
    await isCharged({ requests: 1, tokens: 0 })
    const denied = await attempt(MODEL)
    expect(denied).toBeInstanceOf(RateLimitError)
    expect(denied).toMatchObject({ code: 'upstream_cool_down' })
    const retryAfterMs = Number((denied as RateLimitError).headers?.get('retry-after-ms'))
    expect(retryAfterMs).toBeGreaterThan(0)
    expect(retryAfterMs).toBeLessThanOrEqual(1_500)
    expect(simulator.requests.list()).toHaveLength(1)
    expect(await attempt('gpt-4.1')).toMatchObject({ object: 'chat.completion' })
    await eventually(async () => expect(await attempt(MODEL)).toMatchObject({ object: 'chat.completion' }))
    expect(gateway.events.filter((event) => event.deniedBy === 'upstream_cool_down').length).toBeGreaterThan(0)
  })

  it.each([
    ['a service tier', 'flex', { service_tier: 'flex' }, [{}, { service_tier: 'priority' }]],
    ['no service tier', undefined, {}, [{ service_tier: 'flex' }, { service_tier: 'priority' }]],
    ['a long prompt', 'long', { messages: [{ role: 'user', content: 'word '.repeat(120_000) }] }, [{}]],
    ['an absurd size', undefined, { max_tokens: 30_000 }, [{}, { max_tokens: 1_000 }]],
  ] as const)('to a request with %s leaves the model’s other requests served', async (_, pool, refused, others) => {
    simulator.controls.add({ times: 1, fault: { kind: 'rate-limit', retryAfterMs: 600_000 } })
    const { send, coolDowns, ended } = await connect()
    const pausing = { ...BODY, ...refused }
    expect((await send(pausing)).status).toBe(429)
    expect((await ended('upstream_429')).pool).toBe(pool)
    await eventually(async () => expect(await coolDowns()).toMatchObject([{ model: MODEL }]))
    for (const other of others) expect((await send({ ...BODY, ...other })).status).toBe(200)
    const sent = simulator.requests.list().length
    const denied = await send(pausing)
    expect(denied.status).toBe(429)
    expect(JSON.parse(denied.body.toString())).toMatchObject({ error: { code: 'upstream_cool_down' } })
    expect(simulator.requests.list()).toHaveLength(sent)
  })

  it('with a long time ends as soon as a trial is served, and continues if the trial is refused', async () => {
    simulator.controls.add({ times: 2, fault: { kind: 'rate-limit', retryAfterMs: 600_000 } })
    const { send, coolDowns, settings } = await connect()
    let testers = 0
    /** Has the connection's counters be so much further. */
    const pass = (byMs: number) =>
      request(gateway.bus, batchOfPermits, [settings.id], {
        gateway: `tester-${++testers}`,
        seq: 1,
        asOfMs: Date.now() + byMs,
        acquires: [{ model: 'another', requests: 1, tokens: 0 }],
        settlements: [],
      })
    const statuses = async (count: number) =>
      (await Promise.all(Array.from({ length: count }, () => send(BODY)))).map(({ status }) => status).sort()
    expect(await statuses(1)).toEqual([429])
    await eventually(async () => expect(await coolDowns()).toMatchObject([{ model: MODEL }]))
    await pass(61_000)
    expect(await statuses(4)).toEqual([429, 429, 429, 429])
    expect(simulator.requests.list()).toHaveLength(2)
    // Small steps, since a permit batch that is much older than the counters' clock is refused.
    await pass(121_000)
    expect(await statuses(4)).toEqual([429, 429, 429, 429])
    expect(simulator.requests.list()).toHaveLength(2)
    await pass(182_000)
    expect(await statuses(1)).toEqual([200])
    await eventually(async () => expect(await coolDowns()).toEqual([]))
    expect(await statuses(4)).toEqual([200, 200, 200, 200])
  })

  it('without a time denies no request', async () => {
    simulator.controls.add({ times: 1, fault: { kind: 'rate-limit' } })
    const { sdk, ended } = await connect()
    await expect(sdk.chat.completions.create(BODY)).rejects.toBeInstanceOf(RateLimitError)
    await ended('upstream_429')
    expect((await sdk.chat.completions.create(BODY)).object).toBe('chat.completion')
  })
})

it('records the rate-limit headers of a response in its event, and no others', async () => {
  simulator.accounts.register({ apiKey: 'sk-limited', limits: { requests: { limit: 60, period: 'minute' } } })
  const { sdk, ended } = await connect({ apiKey: 'sk-limited' })
  await sdk.chat.completions.create(BODY)
  const event = await ended('success')
  expect(event?.rateLimitHeaders).toEqual({
    'x-ratelimit-limit-requests': '60',
    'x-ratelimit-remaining-requests': expect.stringMatching(/^\d+$/),
    'x-ratelimit-reset-requests': expect.stringMatching(/s$/),
  })
  expect(event?.headersAtMs).toBeGreaterThanOrEqual(event?.startedAtMs ?? Number.NaN)
})

it('interrupts no other request when a client disconnects', async () => {
  simulator.controls.add({ chunkDelayMs: 5, outputTokens: 40 })
  const { sdk } = await connect()
  const read = async (leaveAfter: number) => {
    let seen = 0
    for await (const _ of await sdk.chat.completions.create(STREAM)) if (++seen === leaveAfter) break
    return seen
  }
  const counts = await Promise.all(Array.from({ length: 20 }, (_, index) => read(index % 2 === 0 ? 3 : Number.NaN)))
  expect(counts.filter((count) => count === 42)).toHaveLength(10)
})

async function closedPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
}
