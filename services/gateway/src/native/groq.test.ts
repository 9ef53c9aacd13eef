import Groq from 'groq-sdk'
import { describe, expect, it } from 'vitest'
import { IMAGE_BASE64, type NativeSdk, PROMPT, type Question, retryAfterOfHeaders } from '../testing/native-sdk.ts'
import { nativeSuite } from '../testing/native-suite.ts'

const MODEL = 'llama-3.3-70b-versatile'
const ERRORS = {
  400: Groq.BadRequestError,
  401: Groq.AuthenticationError,
  404: Groq.NotFoundError,
  429: Groq.RateLimitError,
  500: Groq.InternalServerError,
}
const sdk: NativeSdk = {
  provider: 'groq',
  model: MODEL,
  connect: (baseURL, apiKey) => {
    const { completions } = new Groq({ baseURL, apiKey, maxRetries: 0 }).chat
    return {
      ask: async (question = {}) => answerOf(await completions.create(request(question), options(question))),
      async *stream(question = {}) {
        const chunks = await completions.create({ ...request(question), stream: true }, options(question))
        for await (const { choices } of chunks) if (choices[0]?.delta.content) yield choices[0].delta.content
      },
    }
  },
  askPatiently: async (baseURL, apiKey) =>
    answerOf(await new Groq({ baseURL, apiKey, maxRetries: 1 }).chat.completions.create(request({}))),
  errorType: (status) => ERRORS[status],
  streamError: /It broke\./,
  retryAfterMs: (error) => retryAfterOfHeaders((error as InstanceType<typeof Groq.APIError>).headers),
}

const { path, connect } = nativeSuite(sdk)

async function chat() {
  const { baseURL } = await connect()
  return new Groq({ baseURL, apiKey: path().apiKey, maxRetries: 0 }).chat.completions
}

describe('tools', () => {
  const parameters = { type: 'object', properties: { gate: { type: 'string' } }, required: ['gate'] }
  const tool = { type: 'function' as const, function: { name: 'get_level', parameters } }
  const forced = {
    model: MODEL,
    tools: [tool],
    tool_choice: 'required' as const,
    messages: [{ role: 'user' as const, content: PROMPT }],
  }

  it('are called, and take their results', async () => {
    const completions = await chat()
    const [choice] = (await completions.create(forced)).choices
    expect(choice?.finish_reason).toBe('tool_calls')
    const [call] = choice?.message.tool_calls ?? []
    if (choice === undefined || call === undefined) throw new Error('no tool is called')
    expect(JSON.parse(call.function.arguments)).toEqual({ gate: expect.any(String) })
    const result = { role: 'tool' as const, tool_call_id: call.id, content: '3 m' }
    const messages = [...forced.messages, choice.message, result]
    const next = await completions.create({ ...forced, tool_choice: 'auto', messages })
    expect(next.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: expect.any(String) } })
  })

  it('are called in a stream', async () => {
    const names: (string | undefined)[] = []
    for await (const { choices } of await (await chat()).create({ ...forced, stream: true })) {
      for (const call of choices[0]?.delta.tool_calls ?? []) names.push(call.function?.name)
    }
    expect(names).toEqual(['get_level'])
  })
})

it('takes images', async () => {
  const image = { type: 'image_url' as const, image_url: { url: `data:image/png;base64,${IMAGE_BASE64}` } }
  const content = [image, { type: 'text' as const, text: PROMPT }]
  await (await chat()).create({ model: MODEL, messages: [{ role: 'user', content }] })
  expect(JSON.parse(path().simulator.requests.list()[0]?.content?.body ?? '').messages[0].content).toEqual(content)
})

it('gets the usage in a stream where it asks for it, and only there', async () => {
  const completions = await chat()
  const lastOf = async (asked: object) => {
    let last: object = {}
    for await (const chunk of await completions.create({ ...request({}), ...asked, stream: true })) last = chunk
    return last
  }
  expect(await lastOf({})).toMatchObject({ choices: [{ finish_reason: 'stop' }] })
  expect(await lastOf({ stream_options: { include_usage: true } })).toMatchObject({
    choices: [],
    usage: { completion_tokens: 16 },
  })
})

it('lists models, which is charged as a request alone', async () => {
  const { baseURL, isCharged } = await connect()
  const { data } = await new Groq({ baseURL, apiKey: path().apiKey, maxRetries: 0 }).models.list()
  expect(data.map(({ id }) => id)).toContain(MODEL)
  await isCharged({ requests: 1, tokens: 0 })
})

function request({ model = MODEL, empty = false }: Question) {
  return { model, max_tokens: 2_000, messages: empty ? [] : [{ role: 'user' as const, content: PROMPT }] }
}

function options({ signal }: Question) {
  return signal === undefined ? {} : { signal }
}

function answerOf({ choices, usage }: Groq.Chat.ChatCompletion) {
  return {
    text: choices[0]?.message.content ?? '',
    inputTokens: usage?.prompt_tokens ?? Number.NaN,
    outputTokens: usage?.completion_tokens ?? Number.NaN,
  }
}
