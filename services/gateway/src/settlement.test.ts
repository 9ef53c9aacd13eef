import { once } from 'node:events'
import { createServer } from 'node:net'
import { CapacityConfig, start as startCapacity } from '@sluice/capacity'
import { capacityStatus, type ProjectedConnection } from '@sluice/contracts'
import { request } from '@sluice/messaging'
import type { Control, ProviderSimulator } from '@sluice/provider-simulator'
import { createLogger, readConfig, type Service } from '@sluice/service-kit'
import { eventually, type TestNats, testNats, testSimulator } from '@sluice/testkit'
import OpenAI, { RateLimitError } from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { postJson, type RawAnswer } from './testing/exchange.ts'
import { startGateway, type TestGateway } from './testing/start-gateway.ts'

const MODEL = 'gpt-4.1-mini'
const BODY = { model: MODEL, messages: [{ role: 'user' as const, content: 'Say something.' }], max_tokens: 50 }
const STREAM = { ...BODY, stream: true as const }
const PROMPT_TOKENS = (body: object) => Math.ceil(Buffer.byteLength(JSON.stringify(body)) / 4)
const LIMITS: ProjectedConnection['capacity'] = [{ period: 'hour', requests: 1_000, tokens: 1_000_000 }]
let nats: TestNats
let capacity: Service
let simulator: ProviderSimulator
let gateway: TestGateway
let apiKey: string
let connections = 0

beforeAll(async () => {
  nats = await testNats()
  capacity = await startCapacity(readConfig(CapacityConfig, { NATS_URL: nats.url }), createLogger('capacity', 'silent'))
  simulator = await testSimulator()
  simulator.accounts.register({ apiKey: 'sk-upstream' })
  gateway = await startGateway({
    natsUrl: nats.url,
    env: { UPSTREAM_FIRST_BYTE_TIMEOUT_MS: '400', UPSTREAM_IDLE_TIMEOUT_MS: '400' },
  })
  apiKey = await gateway.apiKey()
})

afterAll(async () => {
  await gateway?.stop()
  await simulator?.stop()
  await capacity?.stop()
  await nats?.stop()
})

beforeEach(() => {
  simulator.controls.clear()
  simulator.requests.clear()
})

/** A connection that nothing was charged to yet, and what is charged to it. */
async function freshConnection({ baseUrl = simulator.url, apiKey: upstreamKey = 'sk-upstream' } = {}) {
  const made = await gateway.connection({
    baseUrl,
    apiKey: upstreamKey,
    name: `fresh-${++connections}`,
    capacity: LIMITS,
  })
  await eventually(async () => {
    expect((await postJson(`${made.baseURL}/chat/completions`, apiKey, '')).status).toBe(400)
  })
  const used = async () => {
    const { windows } = await request(gateway.bus, capacityStatus, [made.settings.id], {})
    return Object.fromEntries(windows.map((window) => [window.metric, window.used]))
  }
  return {
    ...made,
    used,
    send: (body: object): Promise<RawAnswer> => postJson(`${made.baseURL}/chat/completions`, apiKey, body),
    sdk: new OpenAI({ apiKey, baseURL: made.baseURL, maxRetries: 0 }),
    isCharged: (requests: number, tokens: number) =>
      eventually(async () => expect(await used()).toEqual({ requests, tokens })),
    lastEvent: (outcome: string) =>
      eventually(() => {
        const event = gateway.events.findLast(({ connectionId }) => connectionId === made.settings.id)
        expect(event?.outcome).toBe(outcome)
        return event
      }),
  }
}

const usageOf = (answer: RawAnswer): number => JSON.parse(answer.body.toString()).usage.total_tokens

describe('a request is settled', () => {
  it('with what the answer says that it used', async () => {
    const { send, isCharged, lastEvent } = await freshConnection()
    const answer = await send(BODY)
    expect(usageOf(answer)).toBeLessThan(50)
    await isCharged(1, usageOf(answer))
    const event = await lastEvent('success')
    expect(event).toMatchObject({ model: MODEL, upstreamStatus: 200, usage: { outputTokens: 16 } })
    expect(event?.requestId).toBe(answer.headers['x-request-id'])
    expect(event?.upstreamMs).toBeGreaterThanOrEqual(event?.timeToFirstByteMs ?? Number.NaN)
  })

  it('with what a stream used, though its caller did not ask', async () => {
    const { send, isCharged } = await freshConnection()
    const used = usageOf(await send(BODY))
    const { body } = await send(STREAM)
    expect(body.toString()).not.toContain('usage')
    await isCharged(2, 2 * used)
  })

  it('as reserved when the answer tells no usage', async () => {
    simulator.controls.add({ omitUsage: true })
    const { send, isCharged } = await freshConnection()
    await send(BODY)
    await isCharged(1, PROMPT_TOKENS(BODY) + 50)
  })

  it('as the prompt and the output seen when a stream tells no usage', async () => {
    simulator.controls.add({ omitUsage: true, outputTokens: 10 })
    const { send, isCharged } = await freshConnection()
    await send(STREAM)
    // The role and the finish reason come in events like those of tokens.
    await isCharged(1, PROMPT_TOKENS(STREAM) + 12)
  })

  it('as the request alone when the provider refuses it', async () => {
    const { send, isCharged, lastEvent } = await freshConnection()
    expect((await send({ ...BODY, messages: [] })).status).toBe(400)
    await isCharged(1, 0)
    await lastEvent('client_error')
    simulator.controls.add({ times: 1, fault: { kind: 'status', status: 503 } })
    expect((await send(BODY)).status).toBe(503)
    await isCharged(2, 0)
    await lastEvent('upstream_error')
  })

  it('as nothing when it never reached the provider', async () => {
    const { send, isCharged, lastEvent } = await freshConnection({ baseUrl: await closedPort() })
    const answer = await send(BODY)
    expect(answer.status).toBe(502)
    expect(JSON.parse(answer.body.toString()).error.code).toBe('upstream_unreachable')
    await isCharged(0, 0)
    await lastEvent('upstream_error')
  })

  it('as reserved when the provider breaks off before any answer', async () => {
    simulator.controls.add({ fault: { kind: 'break-before-headers' } })
    const { send, isCharged } = await freshConnection()
    expect((await send(BODY)).status).toBe(502)
    await isCharged(1, PROMPT_TOKENS(BODY) + 50)
  })

  it('as reserved when no answer comes in time', async () => {
    simulator.controls.add({ fault: { kind: 'hang-before-headers' } })
    const { send, isCharged, lastEvent } = await freshConnection()
    const answer = await send(BODY)
    expect(answer.status).toBe(504)
    expect(JSON.parse(answer.body.toString()).error.code).toBe('upstream_timeout')
    await isCharged(1, PROMPT_TOKENS(BODY) + 50)
    await lastEvent('timeout')
    // The upstream call is ended.
    await eventually(() => expect(simulator.requests.list().at(-1)?.outcome).toBe('client-gone'))
  })

  it.each([
    ['break-mid-stream', 'upstream_error'],
    ['hang-mid-stream', 'timeout'],
  ] as const)(
    'as the prompt and the output so far after %s, and the caller is broken off too',
    async (kind, outcome) => {
      simulator.controls.add({ fault: { kind, afterChunks: 5 } })
      const { sdk, isCharged, lastEvent } = await freshConnection()
      const chunks: unknown[] = []
      const read = async () => {
        for await (const chunk of await sdk.chat.completions.create(STREAM)) chunks.push(chunk)
      }
      await expect(read()).rejects.toThrow(/terminated|Premature close|aborted/i)
      expect(chunks).toHaveLength(5)
      await isCharged(1, PROMPT_TOKENS(STREAM) + 5)
      await lastEvent(outcome)
    },
  )

  it('as the prompt and the output so far when the caller goes away, which ends the upstream call', async () => {
    simulator.controls.add({ chunkDelayMs: 30, outputTokens: 1_000 } satisfies Control)
    const { sdk, used, lastEvent } = await freshConnection()
    const stream = await sdk.chat.completions.create({ ...STREAM, max_tokens: 2_000 })
    let seen = 0
    for await (const _ of stream) if (++seen === 3) break
    await eventually(() => expect(simulator.requests.list().at(-1)?.outcome).toBe('client-gone'))
    await lastEvent('aborted')
    await eventually(async () => {
      const { requests, tokens = 0 } = await used()
      expect(requests).toBe(1)
      expect(tokens).toBeGreaterThanOrEqual(PROMPT_TOKENS(STREAM) + 3)
      expect(tokens).toBeLessThan(PROMPT_TOKENS(STREAM) + 100)
    })
  })

  it('as reserved when the caller goes away before any answer', async () => {
    simulator.controls.add({ fault: { kind: 'hang-before-headers' } })
    const { sdk, isCharged, lastEvent } = await freshConnection()
    const controller = new AbortController()
    const failure = expect(sdk.chat.completions.create(BODY, { signal: controller.signal })).rejects.toThrow(/aborted/i)
    await eventually(() => expect(simulator.requests.list()).toHaveLength(1))
    controller.abort()
    await failure
    await isCharged(1, PROMPT_TOKENS(BODY) + 50)
    await lastEvent('aborted')
  })

  it('as a request without tokens when it runs no model', async () => {
    const { sdk, isCharged } = await freshConnection()
    await sdk.models.list()
    await isCharged(1, 0)
  })
})

describe("a provider's 429", () => {
  it('is met once: until its time is over, others are told to wait', async () => {
    simulator.controls.add({ times: 1, fault: { kind: 'rate-limit', retryAfterMs: 1_500 } })
    const { sdk, isCharged } = await freshConnection()
    const attempt = (model: string) =>
      sdk.chat.completions.create({ ...BODY, model }).catch((error: unknown) => error as RateLimitError)
    expect(await attempt(MODEL)).toBeInstanceOf(RateLimitError)
    await isCharged(1, 0)
    const denied = await attempt(MODEL)
    expect(denied).toBeInstanceOf(RateLimitError)
    expect(denied).toMatchObject({ code: 'upstream_cooldown' })
    const retryAfterMs = Number((denied as RateLimitError).headers?.get('retry-after-ms'))
    expect(retryAfterMs).toBeGreaterThan(0)
    expect(retryAfterMs).toBeLessThanOrEqual(1_500)
    expect(simulator.requests.list()).toHaveLength(1)
    expect(await attempt('gpt-4.1')).toMatchObject({ object: 'chat.completion' })
    await eventually(async () => expect(await attempt(MODEL)).toMatchObject({ object: 'chat.completion' }))
    expect(gateway.events.filter((event) => event.deniedBy === 'upstream_cooldown').length).toBeGreaterThan(0)
  })

  it('without a time denies nobody', async () => {
    simulator.controls.add({ times: 1, fault: { kind: 'rate-limit' } })
    const { sdk, lastEvent } = await freshConnection()
    await expect(sdk.chat.completions.create(BODY)).rejects.toBeInstanceOf(RateLimitError)
    await lastEvent('upstream_429')
    expect((await sdk.chat.completions.create(BODY)).object).toBe('chat.completion')
  })
})

it('keeps the rate-limit headers of an answer in its event, and no other', async () => {
  simulator.accounts.register({ apiKey: 'sk-limited', limits: { requests: { limit: 60, period: 'minute' } } })
  const { sdk, lastEvent } = await freshConnection({ apiKey: 'sk-limited' })
  await sdk.chat.completions.create(BODY)
  const event = await lastEvent('success')
  expect(event?.rateLimitHeaders).toEqual({
    'x-ratelimit-limit-requests': '60',
    'x-ratelimit-remaining-requests': expect.stringMatching(/^\d+$/),
    'x-ratelimit-reset-requests': expect.stringMatching(/s$/),
  })
  expect(event?.headersAtMs).toBeGreaterThanOrEqual(event?.startedAtMs ?? Number.NaN)
})

it('breaks off nobody else when a caller goes away', async () => {
  simulator.controls.add({ chunkDelayMs: 5, outputTokens: 40 })
  const { sdk } = await freshConnection()
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
