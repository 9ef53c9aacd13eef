import Groq from 'groq-sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ProviderSimulator, startProviderSimulator } from '../src/provider-simulator.ts'

const KEY = 'gsk_test'
const REQUEST = { model: 'llama-3.1-8b-instant', messages: [{ role: 'user' as const, content: 'Hello!' }] }
const WEATHER = {
  type: 'function' as const,
  function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
}

let simulator: ProviderSimulator
let client: Groq

beforeEach(async () => {
  simulator = await startProviderSimulator({ provider: 'groq', accounts: [{ apiKey: KEY }], clock: () => 0 })
  client = new Groq({ apiKey: KEY, baseURL: simulator.url, maxRetries: 0 })
})
afterEach(() => simulator.stop())

describe('chat completions, through the official SDK', () => {
  it('responds with text, usage and times', async () => {
    const completion = await client.chat.completions.create(REQUEST)
    expect(completion).toMatchObject({
      object: 'chat.completion',
      model: 'llama-3.1-8b-instant',
      choices: [{ finish_reason: 'stop', message: { role: 'assistant' } }],
      usage: { prompt_tokens: 2, completion_tokens: 16, total_tokens: 18, total_time: 0.018 },
      x_groq: { id: expect.stringMatching(/^req_01\w{24}$/) },
    })
    expect(completion.choices[0]?.message.content?.split(' ')).toHaveLength(16)
  })

  it('ends at the maximum that the caller states', async () => {
    const { choices } = await client.chat.completions.create({ ...REQUEST, max_completion_tokens: 3 })
    expect(choices[0]).toMatchObject({ finish_reason: 'length', message: { content: 'This answer comes' } })
  })

  it('streams the same text, its usage in the last chunk with choices', async () => {
    const whole = await client.chat.completions.create(REQUEST)
    const chunks = await Array.fromAsync(await client.chat.completions.create({ ...REQUEST, stream: true }))
    const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
    expect(text).toBe(whole.choices[0]?.message.content)
    expect(chunks.at(0)?.x_groq).toMatchObject({ id: expect.stringMatching(/^req_/) })
    expect(chunks.at(-1)).toMatchObject({
      choices: [{ delta: {}, finish_reason: 'stop' }],
      x_groq: { id: chunks.at(0)?.x_groq?.id, usage: whole.usage },
      usage: whole.usage,
    })
    expect(chunks.slice(1, -1).some((chunk) => 'x_groq' in chunk || 'usage' in chunk)).toBe(false)
  })

  it('streams the usage in an extra chunk if requested, and not at all when a control says so', async () => {
    const request = { ...REQUEST, stream: true as const, stream_options: { include_usage: true } }
    const requested = await Array.fromAsync(await client.chat.completions.create(request))
    expect(requested.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 18 } })
    simulator.controls.add({ omitUsage: true })
    const silent = await Array.fromAsync(await client.chat.completions.create(request))
    expect(JSON.stringify(silent)).not.toContain('usage')
  })

  it.each([['required' as const], [{ type: 'function' as const, function: { name: 'get_weather' } }]])(
    'calls the tool that %j demands, whole and streamed alike',
    async (tool_choice) => {
      const request = { ...REQUEST, tools: [WEATHER], tool_choice }
      const call = { type: 'function', function: { name: 'get_weather', arguments: '{"city":"simulated"}' } }
      const { choices } = await client.chat.completions.create(request)
      expect(choices).toMatchObject([{ finish_reason: 'tool_calls', message: { tool_calls: [call] } }])
      const chunks = await Array.fromAsync(await client.chat.completions.create({ ...request, stream: true }))
      expect(chunks.map(({ choices: [choice] }) => choice)).toMatchObject([
        { delta: { role: 'assistant', content: null } },
        { delta: { tool_calls: [{ index: 0, ...call }] } },
        { finish_reason: 'tool_calls' },
      ])
    },
  )
})

it('lists and describes models, those with a slash too', async () => {
  const { data } = await client.models.list()
  expect(data.map(({ id }) => id)).toContain('openai/gpt-oss-20b')
  expect(await client.models.retrieve('openai/gpt-oss-20b')).toMatchObject({ id: 'openai/gpt-oss-20b' })
  await expect(client.models.retrieve('gpt-0')).rejects.toBeInstanceOf(Groq.NotFoundError)
})

describe('limits', () => {
  it('reports requests per day and tokens per minute, under the names of OpenAI', async () => {
    const limits = { requests: { limit: 14_400, period: 'day' }, tokens: { limit: 6000, period: 'minute' } } as const
    simulator.accounts.register({ apiKey: KEY, limits })
    const { response } = await client.chat.completions.create(REQUEST).withResponse()
    const reported = [...response.headers].filter(([name]) => /ratelimit|retry/.test(name))
    expect(Object.fromEntries(reported)).toEqual({
      'x-ratelimit-limit-requests': '14400',
      'x-ratelimit-remaining-requests': '14399',
      'x-ratelimit-reset-requests': '6s',
      'x-ratelimit-limit-tokens': '6000',
      'x-ratelimit-remaining-tokens': '5982',
      'x-ratelimit-reset-tokens': '180ms',
    })
  })

  it('enforces other limits without reporting them', async () => {
    simulator.accounts.register({ apiKey: KEY, limits: { requests: { limit: 1, period: 'minute' } } })
    const { response } = await client.chat.completions.create(REQUEST).withResponse()
    expect([...response.headers.keys()].filter((name) => name.startsWith('x-ratelimit'))).toEqual([])
    expect((await rejection(client.chat.completions.create(REQUEST))).headers?.get('retry-after')).toBe('60')
  })

  it('refuses in its own words, and says when to retry', async () => {
    const limits = { tokens: { limit: 20, period: 'minute' } } as const
    simulator.accounts.register({ apiKey: KEY, organization: 'org_mine', limits })
    await client.chat.completions.create(REQUEST)
    const error = await rejection(client.chat.completions.create(REQUEST))
    expect(error).toBeInstanceOf(Groq.RateLimitError)
    expect(error.headers?.get('retry-after')).toBe('48')
    expect(error.error).toEqual({
      error: {
        message:
          'Rate limit reached for model `llama-3.1-8b-instant` in organization `org_mine` service tier `on_demand` on ' +
          'tokens per minute (TPM): Limit 20, Used 18, Requested 18. Please try again in 48s. Need more tokens? ' +
          'Upgrade to Dev Tier today at https://console.groq.com/settings/billing',
        type: 'tokens',
        code: 'rate_limit_exceeded',
      },
    })
  })

  it('refuses without a retry time what never fits', async () => {
    simulator.accounts.register({ apiKey: KEY, limits: { tokens: { limit: 17, period: 'minute' } } })
    const error = await rejection(client.chat.completions.create(REQUEST))
    expect(error).toMatchObject({ status: 413, message: expect.stringContaining('Request too large for model') })
    expect(error.headers?.has('retry-after')).toBe(false)
  })
})

describe('errors', () => {
  it('refuses a key that is not registered', async () => {
    simulator.accounts.remove(KEY)
    const error = await rejection(client.models.list())
    expect(error).toBeInstanceOf(Groq.AuthenticationError)
    expect(error.error).toEqual({
      error: { message: 'Invalid API Key', type: 'invalid_request_error', code: 'invalid_api_key' },
    })
  })

  it.each([
    [500, 'internal_server_error'],
    [503, 'service_unavailable'],
  ])('responds with %i as %s when a control says so', async (status, type) => {
    simulator.controls.add({ fault: { kind: 'status', status } })
    const error = await rejection(client.chat.completions.create(REQUEST))
    expect(error).toBeInstanceOf(Groq.InternalServerError)
    expect(error.error).toMatchObject({ error: { type } })
  })

  it.each([
    ['no messages', { messages: undefined }, "property 'messages' is missing"],
    ['an empty list of messages', { messages: [] }, "'messages' : value must not have fewer than 1 items"],
    ['a role of others', { messages: [{ role: 'model', content: 'x' }] }, "'messages.0.role' : value must be one of"],
    ['what it does not support', { logprobs: true }, "property 'logprobs' is unsupported"],
    ['several choices', { n: 2 }, "'n' : value"],
    ['a maximum beyond the model', { max_tokens: 131_073 }, 'must be less than or equal to `131072`'],
  ])('refuses %s', async (_, change, message) => {
    const response = await post('/chat/completions', { ...REQUEST, ...change })
    expect(response.status).toBe(400)
    const error = { type: 'invalid_request_error', message: expect.stringContaining(message) }
    expect(await response.json()).toMatchObject({ error })
  })

  it.each([
    ['/chat/completions', { ...REQUEST, model: 'gpt-0' }, 'model_not_found'],
    ['/nothing', {}, 'unknown_url'],
  ])('does not find %s of %j', async (path, body, code) => {
    const response = await post(path, body)
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: { code } })
  })
})

describe('failing streams', () => {
  it('end with an error event', async () => {
    simulator.controls.add({ fault: { kind: 'error-mid-stream', afterChunks: 2, status: 503 } })
    const error = await rejection(readStream())
    expect(error.error).toMatchObject({ message: 'Service Unavailable', status_code: 503 })
  })

  it('break off', async () => {
    simulator.controls.add({ fault: { kind: 'break-mid-stream', afterChunks: 2, partialChunk: true } })
    await expect(readStream()).rejects.toThrow('terminated')
  })
})

async function readStream(): Promise<unknown> {
  return Array.fromAsync(await client.chat.completions.create({ ...REQUEST, stream: true }))
}

function post(path: string, body: unknown): Promise<Response> {
  return fetch(`${simulator.url}/openai/v1${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

async function rejection(promise: PromiseLike<unknown>): Promise<InstanceType<typeof Groq.APIError>> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof Groq.APIError) return error
  throw new Error('expected an API error', { cause: error })
}
