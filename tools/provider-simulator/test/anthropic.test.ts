import Anthropic from '@anthropic-ai/sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Account } from '../src/core/accounts.ts'
import { type ProviderSimulator, startProviderSimulator } from '../src/provider-simulator.ts'

const NOW_MS = Date.UTC(2027, 0, 15, 8)
const REQUEST = { model: 'claude-haiku-4-5', max_tokens: 64, messages: [{ role: 'user' as const, content: 'Hello!' }] }
const WEATHER = {
  name: 'get_weather',
  input_schema: {
    type: 'object' as const,
    properties: { location: { type: 'string' }, unit: { type: 'string', enum: ['celsius', 'fahrenheit'] } },
  },
}

let simulator: ProviderSimulator
let client: Anthropic

beforeEach(async () => {
  simulator = await startProviderSimulator({
    provider: 'anthropic',
    accounts: [{ apiKey: 'sk-ant-test' }],
    clock: () => NOW_MS,
  })
  client = clientOf('sk-ant-test')
})
afterEach(() => simulator.stop())

describe('messages, through the official SDK', () => {
  it('responds with text and usage', async () => {
    const message = await client.messages.create({ ...REQUEST, system: 'Brief' })
    expect(message).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: 'claude-haiku-4-5-20251001',
      stop_reason: 'end_turn',
      usage: { input_tokens: 3, cache_read_input_tokens: 0, output_tokens: 16, service_tier: 'standard' },
    })
    expect(textOf(message).split(' ')).toHaveLength(16)
  })

  it('ends at the maximum that the caller states', async () => {
    const message = await client.messages.create({ ...REQUEST, max_tokens: 3 })
    expect(message).toMatchObject({ stop_reason: 'max_tokens', usage: { output_tokens: 3 } })
    expect(textOf(message)).toBe('This answer comes')
  })

  it('streams the same message in the order of the API, its usage cumulative', async () => {
    const seeded = { headers: { 'x-simulator-seed': 'one' } }
    const whole = await client.messages.create(REQUEST, seeded)
    const { _request_id: _, ...sent } = whole
    expect(await client.messages.stream(REQUEST, seeded).finalMessage()).toMatchObject(sent)
    const events = await Array.fromAsync(await client.messages.create({ ...REQUEST, stream: true }))
    expect(events.map(({ type }) => type).filter((type, index, all) => type !== all[index - 1])).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
    expect(events.at(0)).toMatchObject({ message: { usage: { input_tokens: 2, output_tokens: 1 } } })
    expect(events.at(-2)).toMatchObject({ usage: { input_tokens: 2, output_tokens: 16 } })
  })

  it('sends each event with its name, and a ping', async () => {
    const body = await (await client.messages.create({ ...REQUEST, max_tokens: 1, stream: true }).asResponse()).text()
    const names = body
      .trimEnd()
      .split('\n\n')
      .map((event) => /^event: (\w+)\ndata: \{"type":"(\w+)"/.exec(event)?.slice(1))
    expect(names.every((pair) => pair?.[0] === pair?.[1])).toBe(true)
    expect(names.map((pair) => pair?.[0])).toContain('ping')
  })

  it.each([[{ type: 'any' as const }], [{ type: 'tool' as const, name: 'get_weather' }]])(
    'uses the tool that %j demands, whole and streamed alike',
    async (tool_choice) => {
      const request = { ...REQUEST, tools: [WEATHER], tool_choice }
      const use = { type: 'tool_use', name: 'get_weather', input: { location: 'simulated', unit: 'celsius' } }
      const expected = { stop_reason: 'tool_use', content: [use] }
      expect(await client.messages.create(request)).toMatchObject(expected)
      expect(await client.messages.stream(request).finalMessage()).toMatchObject(expected)
    },
  )

  it('responds with text if the tool is optional, and after the tool has returned', async () => {
    const offered = await client.messages.create({ ...REQUEST, tools: [WEATHER] })
    expect(offered.stop_reason).toBe('end_turn')
    const used = await client.messages.create({ ...REQUEST, tools: [WEATHER], tool_choice: { type: 'any' } })
    const id = used.content[0]?.type === 'tool_use' ? used.content[0].id : ''
    const afterTool = await client.messages.create({
      ...REQUEST,
      tools: [WEATHER],
      messages: [
        ...REQUEST.messages,
        { role: 'assistant', content: used.content },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: 'Sunny' }] },
      ],
    })
    expect(afterTool).toMatchObject({ stop_reason: 'end_turn', usage: { input_tokens: 3 } })
  })

  it('leaves out the usage when a control says so', async () => {
    simulator.controls.add({ omitUsage: true })
    expect(await client.messages.create(REQUEST)).not.toHaveProperty('usage')
  })
})

describe('the other endpoints, through the official SDK', () => {
  it('counts tokens', async () => {
    const { model, messages } = REQUEST
    expect(await client.messages.countTokens({ model, messages })).toMatchObject({ input_tokens: 2 })
  })

  it('lists and describes models', async () => {
    const models = await Array.fromAsync(client.models.list())
    expect(models.map(({ id }) => id)).toContain('claude-haiku-4-5-20251001')
    expect(await client.models.retrieve('claude-haiku-4-5')).toMatchObject({ display_name: 'Claude Haiku 4.5' })
    await expect(client.models.retrieve('claude-0')).rejects.toBeInstanceOf(Anthropic.NotFoundError)
  })
})

describe('limits', () => {
  const minute = (limit: number) => ({ limit, period: 'minute' as const })

  it('are in headers, resets in RFC 3339, tokens to the nearest thousand', async () => {
    register({
      limits: { requests: minute(50), tokens: minute(96_000), inputTokens: minute(80_000), outputTokens: minute(500) },
    })
    const { response } = await client.messages.create(REQUEST).withResponse()
    const limits = [...response.headers].filter(([name]) => name.startsWith('anthropic-ratelimit-'))
    expect(Object.fromEntries(limits)).toEqual({
      'anthropic-ratelimit-requests-limit': '50',
      'anthropic-ratelimit-requests-remaining': '49',
      'anthropic-ratelimit-requests-reset': '2027-01-15T08:00:02Z',
      'anthropic-ratelimit-tokens-limit': '96000',
      'anthropic-ratelimit-tokens-remaining': '96000',
      'anthropic-ratelimit-tokens-reset': '2027-01-15T08:00:01Z',
      'anthropic-ratelimit-input-tokens-limit': '80000',
      'anthropic-ratelimit-input-tokens-remaining': '80000',
      'anthropic-ratelimit-input-tokens-reset': '2027-01-15T08:00:01Z',
      'anthropic-ratelimit-output-tokens-limit': '500',
      'anthropic-ratelimit-output-tokens-remaining': '484',
      'anthropic-ratelimit-output-tokens-reset': '2027-01-15T08:00:02Z',
    })
  })

  it('refuses what exceeds them, and says when to retry', async () => {
    register({ organization: 'org-mine', limits: { requests: minute(1) } })
    await client.messages.create(REQUEST)
    const error = await rejection(client.messages.create(REQUEST))
    expect(error).toBeInstanceOf(Anthropic.RateLimitError)
    expect(error.headers?.get('retry-after')).toBe('60')
    expect(error.error).toMatchObject({
      error: { type: 'rate_limit_error', message: expect.stringContaining('1 requests per minute (org: org-mine') },
      request_id: error.headers?.get('request-id'),
    })
  })

  it('has no retry time for a request that never fits', async () => {
    register({ limits: { outputTokens: minute(10) } })
    const error = await rejection(client.messages.create(REQUEST))
    expect(error).toBeInstanceOf(Anthropic.RateLimitError)
    expect(error.headers?.has('retry-after')).toBe(false)
  })
})

describe('errors, as the official SDK raises them', () => {
  it('refuses a key that is not registered', async () => {
    const error = await rejection(clientOf('sk-ant-other').messages.create(REQUEST))
    expect(error).toBeInstanceOf(Anthropic.AuthenticationError)
    expect(error).toMatchObject({ type: 'authentication_error', requestID: expect.stringMatching(/^req_01\w{22}$/) })
  })

  it.each([
    [529, 'overloaded_error', Anthropic.InternalServerError],
    [500, 'api_error', Anthropic.InternalServerError],
    [403, 'permission_error', Anthropic.PermissionDeniedError],
    [413, 'request_too_large', Anthropic.APIError],
  ])('responds with %i as %s when a control says so', async (status, type, errorClass) => {
    simulator.controls.add({ fault: { kind: 'status', status } })
    const error = await rejection(client.messages.create(REQUEST))
    expect(error).toBeInstanceOf(errorClass)
    expect(error).toMatchObject({ status, type })
  })
})

describe('failing streams', () => {
  it('ends with an error event', async () => {
    simulator.controls.add({ fault: { kind: 'error-mid-stream', afterChunks: 4, status: 529 } })
    const error = await rejection(client.messages.stream(REQUEST).finalMessage())
    expect(error).toMatchObject({ type: 'overloaded_error', error: { error: { message: 'Overloaded' } } })
  })

  it('breaks off', async () => {
    simulator.controls.add({ fault: { kind: 'break-mid-stream', afterChunks: 4, partialChunk: true } })
    await expect(client.messages.stream(REQUEST).finalMessage()).rejects.toThrow('terminated')
    await expect.poll(() => simulator.requests.list()).toMatchObject([{ outcome: 'broken-off' }])
  })
})

function clientOf(apiKey: string): Anthropic {
  return new Anthropic({ apiKey, baseURL: simulator.url, maxRetries: 0 })
}

function register(account: Omit<Account, 'apiKey'>): void {
  simulator.accounts.register({ apiKey: 'sk-ant-test', ...account })
}

function textOf({ content: [block] }: Anthropic.Message): string {
  return block?.type === 'text' ? block.text : ''
}

async function rejection(promise: PromiseLike<unknown>): Promise<InstanceType<typeof Anthropic.APIError>> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof Anthropic.APIError) return error
  throw new Error('expected an API error', { cause: error })
}
