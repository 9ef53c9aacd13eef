import OpenAI from 'openai'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ProviderSimulator, startProviderSimulator } from '../src/provider-simulator.ts'

const REQUEST = { model: 'gpt-4o', messages: [{ role: 'user' as const, content: 'Hello!' }] }
const UNKNOWN_KEY = 'sk-unknown-0123456789'

let simulator: ProviderSimulator
let nowMs: number

beforeEach(async () => {
  nowMs = 1_800_000_000_000
  simulator = await startProviderSimulator({
    clock: () => nowMs,
    accounts: [
      { apiKey: 'sk-three', organization: 'org-three', limits: { requests: { limit: 3, period: 'minute' } } },
      {
        apiKey: 'sk-other',
        limits: { requests: { limit: 3, period: 'minute' }, tokens: { limit: 60, period: 'hour' } },
      },
    ],
  })
})
afterEach(() => simulator.stop())

describe('limits', () => {
  it('admits exactly the limit of simultaneous requests, and the next when a unit is refilled', async () => {
    const statuses = await Promise.all(Array.from({ length: 20 }, () => statusOf('sk-three')))
    expect(statuses.filter((status) => status === 200)).toHaveLength(3)
    expect(statuses.filter((status) => status === 429)).toHaveLength(17)

    const error = await rejection(client('sk-three').chat.completions.create(REQUEST))
    expect(error).toBeInstanceOf(OpenAI.RateLimitError)
    expect(error).toMatchObject({ type: 'requests', code: 'rate_limit_exceeded' })
    expect(error.message).toContain('gpt-4o in organization org-three on requests per min (RPM): Limit 3, Used 3,')
    expect(error.headers?.get('retry-after')).toBe('20')
    expect(error.headers?.get('retry-after-ms')).toBe('20000')
    expect(error.headers?.get('x-ratelimit-remaining-requests')).toBe('0')
    expect(error.headers?.get('x-ratelimit-reset-requests')).toBe('1m0s')

    nowMs += 19_999
    expect(await statusOf('sk-three')).toBe(429)
    nowMs += 1
    expect(await statusOf('sk-three')).toBe(200)
  })

  it('keeps accounts and models apart', async () => {
    for (let index = 0; index < 4; index++) await statusOf('sk-three')
    expect(await statusOf('sk-three')).toBe(429)
    expect(await statusOf('sk-three', 'gpt-4o-mini')).toBe(200)
    expect(await statusOf('sk-other')).toBe(200)
  })

  it('charges the tokens that the usage states', async () => {
    const { response, data } = await client('sk-other').chat.completions.create(REQUEST).withResponse()
    expect(response.headers.get('x-ratelimit-remaining-tokens')).toBe(`${60 - (data.usage?.total_tokens ?? 0)}`)
    expect(response.headers.get('x-ratelimit-reset-tokens')).toBe('18m0s')
  })

  it('replaces an account, and its limits for one model', async () => {
    const none = { requests: { limit: 1, period: 'day' as const } }
    simulator.accounts.register({ apiKey: 'sk-three', modelLimits: { 'gpt-4o': none } })
    expect([await statusOf('sk-three'), await statusOf('sk-three')]).toEqual([200, 429])
    expect(await statusOf('sk-three', 'gpt-4o-mini')).toBe(200)
    simulator.accounts.register({ apiKey: 'sk-three' })
    expect(await statusOf('sk-three')).toBe(200)
  })

  it('charges nothing for the list of models', async () => {
    for (let index = 0; index < 5; index++) await client('sk-three').models.list()
    expect(await statusOf('sk-three')).toBe(200)
  })
})

describe('keys', () => {
  it('refuses a key that is not registered, or was removed', async () => {
    const error = await rejection(client(UNKNOWN_KEY).models.list())
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError)
    expect(error).toMatchObject({ code: 'invalid_api_key', message: expect.stringContaining('sk-unkno*********6789') })
    simulator.accounts.remove('sk-three')
    expect(await statusOf('sk-three')).toBe(401)
  })

  it('repeats the key in full when a control says so', async () => {
    simulator.controls.add({ echoApiKey: true })
    const error = await rejection(client(UNKNOWN_KEY).models.list())
    expect(error.message).toContain(UNKNOWN_KEY)
  })
})

describe('forced failures', () => {
  it('fails as often as a control says, in the error format of the provider, and charges nothing', async () => {
    simulator.controls.add({ times: 2, fault: { kind: 'status', status: 500 } })
    const error = await rejection(client('sk-three').chat.completions.create(REQUEST))
    expect(error).toBeInstanceOf(OpenAI.InternalServerError)
    expect(error).toMatchObject({ type: 'server_error' })
    expect(error.headers?.get('x-ratelimit-remaining-requests')).toBe('3')
    expect([await statusOf('sk-three'), await statusOf('sk-three')]).toEqual([500, 200])
  })

  it.each([
    [{ kind: 'rate-limit' } as const, null, null],
    [{ kind: 'rate-limit', retryAfterMs: 1500 } as const, '2', '1500'],
  ])('responds with 429 for %j', async (fault, seconds, milliseconds) => {
    simulator.controls.add({ fault })
    const error = await rejection(client('sk-three').chat.completions.create(REQUEST))
    expect(error).toBeInstanceOf(OpenAI.RateLimitError)
    expect(error.headers?.get('retry-after')).toBe(seconds)
    expect(error.headers?.get('retry-after-ms')).toBe(milliseconds)
  })

  it('leaves the usage out, whole and streamed', async () => {
    simulator.controls.add({ omitUsage: true })
    const whole = await client('sk-three').chat.completions.create(REQUEST)
    expect(whole).not.toHaveProperty('usage')
    const stream = await client('sk-three').chat.completions.create({
      ...REQUEST,
      stream: true,
      stream_options: { include_usage: true },
    })
    expect((await Array.fromAsync(stream)).some((chunk) => 'usage' in chunk)).toBe(false)
  })

  it('refuses an invalid simulator header', async () => {
    const options = { headers: { 'x-simulator-output-tokens': 'many' } }
    const error = await rejection(client('sk-three').chat.completions.create(REQUEST, options))
    expect(error).toMatchObject({ status: 400, message: expect.stringContaining('x-simulator-output-tokens') })
  })
})

describe('the record', () => {
  it('has each request that reached the provider', async () => {
    await statusOf('sk-three')
    await statusOf(UNKNOWN_KEY)
    const common = { arrivedAtMs: nowMs, method: 'POST', path: '/v1/chat/completions', outcome: 'completed' }
    await expect
      .poll(() => simulator.requests.list())
      .toEqual([
        { ...common, apiKey: 'sk-three', model: 'gpt-4o', status: 200 },
        { ...common, status: 401 },
      ])
    expect(simulator.requests.counts('sk-three')).toEqual({ total: 1, byStatus: { 200: 1 } })
  })

  it('has headers and body on demand', async () => {
    const recording = await startProviderSimulator({ recordContent: true })
    const body = '{"model": "gpt-4o"}'
    await fetch(`${recording.url}/v1/chat/completions?key=1`, { method: 'POST', headers: { 'x-mine': 'yes' }, body })
    expect(recording.requests.list()).toMatchObject([
      { path: '/v1/chat/completions', content: { headers: { 'x-mine': 'yes' }, body } },
    ])
    await recording.stop()
  })
})

function client(apiKey: string): OpenAI {
  return new OpenAI({ apiKey, baseURL: simulator.openaiBaseUrl, maxRetries: 0 })
}

async function statusOf(apiKey: string, model = REQUEST.model): Promise<number> {
  const response = await fetch(`${simulator.openaiBaseUrl}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...REQUEST, model }),
  })
  await response.arrayBuffer()
  return response.status
}

async function rejection(promise: PromiseLike<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof OpenAI.APIError) return error
  throw new Error('expected an API error', { cause: error })
}
