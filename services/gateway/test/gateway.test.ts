import type { ProviderSimulator } from '@sluice/provider-simulator'
import { eventually } from '@sluice/testkit'
import OpenAI, {
  AuthenticationError,
  BadRequestError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
  toFile,
} from 'openai'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { postJson, sendRequest } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'
import type { TestGateway } from './support/start-gateway.ts'

const UPSTREAM_KEY = 'sk-upstream'
const MODEL = 'gpt-4.1-mini'
const MESSAGES = [{ role: 'user' as const, content: 'Say something — naïve 🙂.' }]
let simulator: ProviderSimulator
let gateway: TestGateway
let apiKey: string
let baseURL: string

const limits = {
  requests: { limit: 5_000, period: 'minute' as const },
  tokens: { limit: 2_000_000, period: 'minute' as const },
}
const data = startBeforeAll(() =>
  startDataPath({ simulator: { recordContent: true, accounts: [{ apiKey: UPSTREAM_KEY, limits }] } }),
)
beforeAll(async () => {
  ;({ simulator, gateway, apiKey } = data)
  baseURL = (await connection({ name: 'prod' })).baseURL
})

beforeEach(() => simulator.controls.clear())

const client = (options: { apiKey?: string; baseURL?: string } = {}) =>
  new OpenAI({ apiKey, baseURL, maxRetries: 0, ...options })

/** A connection to the simulator, once the gateway knows it. */
async function connection(settings: Partial<Parameters<TestGateway['connection']>[0]>) {
  const made = await gateway.connection({ baseUrl: simulator.url, ...settings })
  await eventually(async () => {
    // No JSON: the gateway refuses it before it costs anything.
    const { status } = await postJson(`${made.baseURL}/chat/completions`, apiKey, '')
    expect([400, 403]).toContain(status)
  })
  return made
}

const chat = (options?: { apiKey?: string; baseURL?: string }) =>
  client(options).chat.completions.create({ model: MODEL, messages: MESSAGES })

describe('the official SDK', () => {
  it('raises its own typed errors', async () => {
    const limited = await connection({ allowedModels: ['gpt-4o*'] })
    const disabled = await connection({ enabled: false })
    const other = await gateway.apiKey({ connections: [limited.settings.id] })
    await eventually(() => expect(chat({ apiKey: other, baseURL: limited.baseURL })).rejects.toThrow(/does not allow/))
    const expired = await gateway.apiKey({ expiresAtMs: Date.now() - 1 })
    const failures = [
      [{ apiKey: 'slc_unknown' }, AuthenticationError, 'invalid_api_key'],
      [{ apiKey: expired }, AuthenticationError, 'invalid_api_key'],
      [{ apiKey: other }, PermissionDeniedError, 'connection_forbidden'],
      [{ baseURL: `${gateway.url}/connections/none/v1` }, NotFoundError, 'connection_not_found'],
      [{ baseURL: disabled.baseURL }, PermissionDeniedError, 'connection_disabled'],
      [{ baseURL: limited.baseURL }, PermissionDeniedError, 'model_not_allowed'],
      [{ baseURL: `${gateway.url}/connections/prod/v2` }, NotFoundError, 'unsupported_operation'],
      [{ baseURL: `${gateway.url}/nowhere` }, NotFoundError, 'unsupported_operation'],
    ] as const
    for (const [options, type, code] of failures) {
      const error = await chat(options).catch((caught: unknown) => caught)
      expect(error, code).toBeInstanceOf(type)
      expect(error).toMatchObject({ code })
    }
  })

  it('is denied exactly what exceeds the capacity, with a Retry-After', async () => {
    const { baseURL } = await connection({ name: 'small', capacity: [{ period: 'minute', requests: 12 }] })
    const results = await Promise.allSettled(Array.from({ length: 100 }, () => chat({ baseURL })))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(12)
    const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
    for (const error of errors) {
      expect(error).toBeInstanceOf(RateLimitError)
      expect(error.code).toBe('capacity_exceeded')
      expect(error.message).toMatch(
        /^429 Connection "small" is at its capacity of 12 requests per minute\. Retry in \d+\.\d s\.$/,
      )
      const retryAfterMs = Number(error.headers.get('retry-after-ms'))
      expect(Number(error.headers.get('retry-after'))).toBe(Math.ceil(retryAfterMs / 1_000))
      expect(retryAfterMs).toBeGreaterThan(50_000)
      expect(error.headers.get('ratelimit')).toMatch(/^"minute-requests";r=0;t=\d+$/)
    }
    const denied = () => gateway.events.filter((event) => event.deniedBy === 'minute-requests')
    await eventually(() => expect(denied().reduce((sum, { requests = 1 }) => sum + requests, 0)).toBe(88))
    expect(denied()[0]).toMatchObject({ outcome: 'denied', model: MODEL })
  })

  it('gets an error that says that a request can never fit', async () => {
    const { baseURL } = await connection({
      capacity: [{ period: 'minute', tokens: 100 }],
      tokenReservation: 'maximum',
    })
    const failure = client({ baseURL }).chat.completions.create({ model: MODEL, messages: MESSAGES, max_tokens: 5_000 })
    const error = await failure.catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(BadRequestError)
    expect(error).toMatchObject({ code: 'request_exceeds_capacity' })
    expect(new Headers((error as BadRequestError).headers).has('retry-after')).toBe(false)
  })
})

it('gets the connection’s limits in the response headers', async () => {
  const { baseURL } = await connection({
    capacity: [
      { period: 'minute', requests: 100, tokens: 100_000 },
      { period: 'day', requests: 1_000 },
    ],
  })
  const { headers } = await postJson(`${baseURL}/chat/completions`, apiKey, { model: MODEL, messages: MESSAGES })
  expect(headers['ratelimit-policy']).toBe(
    '"minute-requests";q=100;w=60, "minute-tokens";q=100000;w=60, "day-requests";q=1000;w=86400',
  )
  expect(headers.ratelimit).toMatch(
    /^"minute-requests";r=\d+;t=\d+, "minute-tokens";r=\d+;t=\d+, "day-requests";r=\d+;t=\d+$/,
  )
})

describe('a request', () => {
  it('reaches the provider unchanged except for credentials and hop-by-hop headers', async () => {
    const body = `{ "model": "${MODEL}",\n"messages": ${JSON.stringify(MESSAGES)}, "seed": 12345678901234567890 }`
    simulator.requests.clear()
    await postJson(`${baseURL}/chat/completions?x=%2F1&key=${apiKey}&y`, apiKey, body, {
      cookie: 'session=1',
      'x-api-key': apiKey,
      'openai-organization': 'org-of-the-caller',
      'accept-encoding': 'gzip',
      'x-stainless-lang': 'js',
      connection: 'close, x-hop',
      'x-hop': '1',
    })
    const [record] = simulator.requests.list()
    expect(record?.content?.body).toBe(body)
    expect(record?.content?.headers).toMatchObject({
      authorization: `Bearer ${UPSTREAM_KEY}`,
      'accept-encoding': 'identity',
      'content-type': 'application/json',
      'x-stainless-lang': 'js',
      host: new URL(simulator.url).host,
    })
    const absent = ['cookie', 'x-api-key', 'openai-organization', 'x-hop', 'transfer-encoding']
    for (const name of absent) expect(record?.content?.headers, name).not.toHaveProperty(name)
    expect(JSON.stringify(record)).not.toContain(apiKey)
  })

  it.each(['x-api-key', 'x-goog-api-key', 'api-key'])('may have its API key in %s', async (name) => {
    const clientResponse = await sendRequest(`${baseURL}/models`, { headers: { [name]: apiKey } })
    expect(clientResponse.status).toBe(200)
  })

  it('may have its API key in the query', async () => {
    expect((await sendRequest(`${baseURL}/models?key=${apiKey}`)).status).toBe(200)
    expect((await sendRequest(`${baseURL}/models?key=slc_wrong`)).status).toBe(401)
  })

  it('may upload a file as a stream', async () => {
    simulator.requests.clear()
    const file = await toFile(Buffer.alloc(300_000, 'x'), 'data.jsonl')
    // The simulator has no files: what matters is what reached it.
    await expect(client().files.create({ file, purpose: 'batch' })).rejects.toBeInstanceOf(NotFoundError)
    const [record] = simulator.requests.list()
    expect(record).toMatchObject({ method: 'POST', path: '/v1/files' })
    expect(record?.content?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/)
  })
})
