import type { ServerResponse } from 'node:http'
import { type CapacityStatus, capacityStatus, type DiscoveredLimit, discovered } from '@sluice/contracts'
import { type Bucket, openBucket, request } from '@sluice/messaging'
import { eventually } from '@sluice/testkit'
import { beforeAll, describe, expect, it } from 'vitest'
import { freshConnection } from './support/fresh-connection.ts'
import { startRawUpstream } from './support/raw-upstream.ts'
import { postJson, type RawResponse } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'
import type { ConnectionToMake } from './support/start-gateway.ts'

let limitsBucket: Bucket<{ connectionId: string; limits: DiscoveredLimit[] }>

const data = startBeforeAll(startDataPath)
const upstream = startBeforeAll(startRawUpstream)
beforeAll(async () => {
  limitsBucket = await openBucket(data.gateway.bus, discovered)
})

const MODEL = 'claude-sonnet-4-6'
const MINUTE_MS = 60_000

/** A prompt of `bytes`, most of which is the same each time and to be kept in the provider's cache. */
const cachedPrompt = (bytes: number, more: object = {}) => ({
  model: MODEL,
  max_tokens: 200,
  system: [{ type: 'text', text: 'Rules. '.repeat(bytes / 7), cache_control: { type: 'ephemeral' } }],
  messages: [{ role: 'user', content: 'And now?' }],
  ...more,
})

const CACHED = { input_tokens: 350, cache_creation_input_tokens: 50, cache_read_input_tokens: 44_000 }
const UNCACHED = { input_tokens: 44_400, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }

function respondAsAnthropic(input: object): void {
  upstream.respond = (incoming, response) => {
    let text = ''
    incoming.on('data', (piece) => {
      text += String(piece)
    })
    incoming.on('end', () => {
      if (JSON.parse(text).stream === true) streamMessage(response, input)
      else {
        const usage = { ...input, output_tokens: 50 }
        const message = { id: 'msg_a', type: 'message', role: 'assistant', model: MODEL, content: [], usage }
        response.setHeader('content-type', 'application/json').end(JSON.stringify(message))
      }
    })
  }
}

function streamMessage(response: ServerResponse, input: object): void {
  const events = [
    {
      type: 'message_start',
      message: { id: 'msg_b', type: 'message', model: MODEL, usage: { ...input, output_tokens: 1 } },
    },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 50 } },
    { type: 'message_stop' },
  ]
  response.setHeader('content-type', 'text/event-stream')
  response.end(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''))
}

async function connect(settings: Partial<ConnectionToMake> = {}) {
  const connection = await freshConnection(data.gateway, data.apiKey, {
    provider: 'anthropic',
    baseUrl: upstream.url,
    enforceDiscovered: true,
    ...settings,
  })
  const { id } = connection.settings
  const status = (): Promise<CapacityStatus> => request(data.gateway.bus, capacityStatus, [id], {})
  return {
    ...connection,
    status,
    send: (body: object): Promise<RawResponse> =>
      postJson(`${connection.baseURL}/v1/messages`, data.apiKey, body, { 'anthropic-version': '2023-06-01' }),
    /** Makes known to the counters what discovery learns from a response. Needs a request before it: a model without one is in no status. */
    learn: async (limits: Readonly<Record<string, number>>): Promise<void> => {
      const base = { model: MODEL, periodMs: MINUTE_MS, firstSeenAtMs: 1, lastSeenAtMs: Date.now(), changes: 0 }
      const learned = Object.entries(limits).map(([dimension, limit]) => ({ ...base, dimension, limit }))
      await limitsBucket.put(id, { connectionId: id, limits: learned })
    },
    isLearned: (count: number) =>
      eventually(async () =>
        expect((await status()).models?.filter(({ model }) => model === MODEL)).toHaveLength(count),
      ),
  }
}

const usedOf = ({ models = [] }: CapacityStatus) => Object.fromEntries(models.map(({ metric, used }) => [metric, used]))

describe('what Anthropic’s cache held counts toward no discovered limit', () => {
  const LIMITS = { requests: 1_000, 'input-tokens': 40_000, 'output-tokens': 8_000 }

  it.each([
    ['a prompt smaller than the limit', 120_000, {}],
    ['a prompt larger than the limit', 180_000, {}],
    ['a prompt larger than the limit, streamed', 180_000, { stream: true }],
    ['an output maximum far above the limit', 120_000, { max_tokens: 64_000 }],
  ])('%s', async (_, bytes, more) => {
    respondAsAnthropic(CACHED)
    const { send, learn, isLearned, isSettled, status } = await connect()
    const statuses: number[] = []
    for (let sent = 0; sent < 5; sent++) {
      const { status, body } = await send(cachedPrompt(bytes, more))
      statuses.push(status)
      expect(body.toString()).not.toContain('error')
      await isSettled()
      if (sent === 0) {
        await learn(LIMITS)
        await isLearned(3)
      }
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200])
    expect(usedOf(await status())).toEqual({ requests: 5, inputTokens: 2_000, outputTokens: 250 })
    // What is used counts in full toward the connection's own limits.
    expect(await isSettled()).toEqual({ requests: 5, tokens: 5 * 44_450 })
  })

  it('a gateway that knows nothing of the cache sends what seems too large once nothing else uses the limit', async () => {
    const { send, learn, isLearned, isSettled, status } = await connect()
    // Has the model counted, and teaches nothing of it.
    upstream.respond = (_, response) => void response.writeHead(500).end()
    await send(cachedPrompt(700))
    await isSettled()
    await learn(LIMITS)
    await isLearned(3)
    respondAsAnthropic(CACHED)
    const first = await send(cachedPrompt(180_000))
    expect([first.status, first.body.toString()]).toEqual([200, expect.stringContaining('msg_a')])
    await isSettled()
    expect((await send(cachedPrompt(180_000))).status).toBe(200)
    await isSettled()
    expect(usedOf(await status())).toMatchObject({ inputTokens: 800, outputTokens: 100 })
  })

  it('what was not cached counts, and the denial names the limit', async () => {
    respondAsAnthropic(UNCACHED)
    const { send, learn, isLearned, isSettled } = await connect()
    await send(cachedPrompt(120_000))
    await isSettled()
    await learn(LIMITS)
    await isLearned(3)
    const { status, body } = await send(cachedPrompt(120_000))
    expect(status).toBe(429)
    expect(JSON.parse(body.toString()).error).toMatchObject({
      type: 'rate_limit_error',
      message: expect.stringMatching(/is at its provider's limit of 40000 input tokens per minute\. Retry in/),
    })
  })
})

describe('limits of input and output tokens that are configured', () => {
  const limited = {
    enforceDiscovered: false,
    capacity: [{ period: 'minute' as const, inputTokens: 50_000, outputTokens: 500 }],
  }

  it('hold what is reserved and used of each, cached or not, and are in the headers', async () => {
    respondAsAnthropic(CACHED)
    const { send, isSettled, status } = await connect(limited)
    const first = await send(cachedPrompt(120_000))
    expect(first.status).toBe(200)
    expect(first.headers['ratelimit-policy']).toBe(
      '"minute-inputTokens";q=50000;w=60, "minute-outputTokens";q=500;w=60',
    )
    await isSettled()
    expect((await status()).windows).toMatchObject([
      { metric: 'inputTokens', limit: 50_000, used: 44_400, reserved: 0 },
      { metric: 'outputTokens', limit: 500, used: 50, reserved: 0 },
    ])
    const second = await send(cachedPrompt(120_000))
    expect(second.status).toBe(429)
    expect(second.body.toString()).toMatch(/is at its capacity of 50000 input tokens per minute\. Retry in [\d.]+ s\./)
    expect(second.headers['retry-after']).toBeDefined()
  })

  it('refuse what is larger than the whole of one, and name it, where the stated maximum is reserved in full', async () => {
    const { send } = await connect({ ...limited, tokenReservation: 'maximum' })
    const { status, body } = await send({ ...cachedPrompt(700), max_tokens: 501 })
    expect(status).toBe(400)
    expect(body.toString()).toContain(
      'This request needs 501 output tokens, 1 more than the whole capacity of 500 output tokens',
    )
  })

  it('bound the output that is guessed for a request which states no maximum', async () => {
    respondAsAnthropic({ input_tokens: 3, output_tokens: 1 })
    const { send, status, isSettled } = await connect({ ...limited, onCapacityUnavailable: 'reject' })
    const { max_tokens: _, ...unstated } = cachedPrompt(700)
    expect((await send(unstated)).status).toBe(200)
    await isSettled()
    expect((await status()).windows[1]).toMatchObject({ used: 50 })
  })
})

it('what Groq had cached is taken off again when it has reported its usage', async () => {
  upstream.respond = (incoming, response) => {
    incoming.resume()
    const usage = {
      prompt_tokens: 30_400,
      completion_tokens: 50,
      total_tokens: 30_450,
      prompt_tokens_details: { cached_tokens: 30_000 },
    }
    const choices = [{ index: 0, message: { role: 'assistant', content: 'ok' }, finish_reason: 'stop' }]
    const completion = { id: 'c', object: 'chat.completion', model: MODEL, choices, usage }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(completion))
  }
  const { baseURL, learn, isLearned, isSettled, status } = await connect({ provider: 'groq' })
  const body = { model: MODEL, messages: [{ role: 'user', content: 'Rules. '.repeat(17_000) }], max_tokens: 100 }
  for (let sent = 0; sent < 5; sent++) {
    expect((await postJson(`${baseURL}/openai/v1/chat/completions`, data.apiKey, body)).status).toBe(200)
    await isSettled()
    if (sent > 0) continue
    await learn({ tokens: 40_000 })
    await isLearned(1)
  }
  expect(usedOf(await status())).toEqual({ tokens: 2_250 })
})
