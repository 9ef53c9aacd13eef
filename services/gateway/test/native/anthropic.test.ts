import Anthropic from '@anthropic-ai/sdk'
import { describe, expect, it } from 'vitest'
import {
  errorTypesOf,
  IMAGE_BASE64,
  type NativeSdk,
  PROMPT,
  retryAfterOfHeaders,
  type SdkRequest,
} from '../support/native-sdk.ts'
import { nativeSuite } from '../support/native-suite.ts'

const MODEL = 'claude-sonnet-4-6'
const sdk: NativeSdk = {
  provider: 'anthropic',
  model: MODEL,
  connect: (baseURL, apiKey) => {
    const client = new Anthropic({ baseURL, apiKey, maxRetries: 0 })
    return {
      send: async (question = {}) => responseOf(await client.messages.create(request(question), options(question))),
      async *stream(question = {}) {
        const events = await client.messages.create({ ...request(question), stream: true }, options(question))
        for await (const event of events) {
          if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') yield event.delta.text
        }
      },
    }
  },
  sendWithRetry: async (baseURL, apiKey) =>
    responseOf(await new Anthropic({ baseURL, apiKey, maxRetries: 1 }).messages.create(request({}))),
  errorType: errorTypesOf(Anthropic),
  streamError: /It broke\./,
  retryAfterMs: (error) => retryAfterOfHeaders((error as InstanceType<typeof Anthropic.APIError>).headers),
}

const { path, connect } = nativeSuite(sdk)

async function sdkClient() {
  const { baseURL } = await connect()
  return new Anthropic({ baseURL, apiKey: path().apiKey, maxRetries: 0 })
}

describe('tools', () => {
  const tool = {
    name: 'get_level',
    input_schema: { type: 'object' as const, properties: { gate: { type: 'string' } }, required: ['gate'] },
  }
  const forced = {
    model: MODEL,
    max_tokens: 100,
    tools: [tool],
    tool_choice: { type: 'tool' as const, name: tool.name },
    messages: [{ role: 'user' as const, content: PROMPT }],
  }

  it('are called, and take their results', async () => {
    const client = await sdkClient()
    const { content, stop_reason } = await client.messages.create(forced)
    expect(stop_reason).toBe('tool_use')
    const [use] = content
    if (use?.type !== 'tool_use') throw new Error('no tool is used')
    expect(use).toMatchObject({ name: tool.name, input: { gate: expect.any(String) } })
    const result = { type: 'tool_result' as const, tool_use_id: use.id, content: '3 m' }
    const messages = [
      ...forced.messages,
      { role: 'assistant' as const, content },
      { role: 'user' as const, content: [result] },
    ]
    const next = await client.messages.create({ ...forced, tool_choice: { type: 'auto' }, messages })
    expect(next.content[0]).toMatchObject({ type: 'text' })
  })

  it('are called in a stream', async () => {
    const { content } = await (await sdkClient()).messages.stream(forced).finalMessage()
    expect(content[0]).toMatchObject({ type: 'tool_use', name: tool.name, input: { gate: expect.any(String) } })
  })
})

it('takes images', async () => {
  const source = { type: 'base64' as const, media_type: 'image/png' as const, data: IMAGE_BASE64 }
  const content = [
    { type: 'image' as const, source },
    { type: 'text' as const, text: PROMPT },
  ]
  const message = await (await sdkClient()).messages.create({
    model: MODEL,
    max_tokens: 20,
    messages: [{ role: 'user', content }],
  })
  expect(message.stop_reason).toBe('end_turn')
  expect(JSON.parse(path().simulator.requests.list()[0]?.content?.body ?? '').messages[0].content).toEqual(content)
})

it('counts tokens and lists models, which costs requests but no tokens', async () => {
  const { baseURL, isCharged } = await connect()
  const client = new Anthropic({ baseURL, apiKey: path().apiKey, maxRetries: 0 })
  const messages = [{ role: 'user' as const, content: PROMPT }]
  expect((await client.messages.countTokens({ model: MODEL, messages })).input_tokens).toBeGreaterThan(0)
  expect((await client.models.list()).data.map(({ id }) => id)).toContain(MODEL)
  expect((await client.models.retrieve(MODEL)).id).toBe(MODEL)
  await isCharged({ requests: 3, tokens: 0 })
})

it('finds the request id in the gateway’s errors as in the provider’s', async () => {
  const { baseURL } = await connect()
  const client = new Anthropic({ baseURL, apiKey: 'slc_unknown', maxRetries: 0 })
  const error: unknown = await client.messages.create(request({})).catch((raised: unknown) => raised)
  if (!(error instanceof Anthropic.AuthenticationError)) throw error
  expect(error.requestID).toMatch(/^[0-9a-f-]{36}$/)
  expect(error.error).toMatchObject({ request_id: error.requestID })
  expect(error.headers.get('x-request-id')).toBe(error.requestID)
})

function request({ model = MODEL, empty = false }: SdkRequest) {
  const messages = empty ? [] : [{ role: 'user' as const, content: PROMPT }]
  return { model, max_tokens: 2_000, messages }
}

function options({ signal }: SdkRequest) {
  return signal === undefined ? {} : { signal }
}

function responseOf({ content, usage }: Anthropic.Message) {
  const [block] = content
  const text = block?.type === 'text' ? block.text : ''
  return { text, inputTokens: usage.input_tokens, outputTokens: usage.output_tokens }
}
